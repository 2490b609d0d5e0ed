"""`isotherm stack export|abandon`: a stack as data, which `stack create --adopt` makes a stack of again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from isotherm.v1 import stack_export_pb2

from engine.cli import changes, waiting
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import Patience, Session, connection_options, request_id_option, stack_called, wait_options
from engine.cli.output import Format
from engine.cli.waiting import Wait

_file = click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the data, which nobody else can read. Not given: they are printed, as JSON.",
)


@click.command()
@click.argument("stack")
@_file
@connection_options
def export(client: Client, stack: str, file: Path | None) -> None:
    """Print a stack as data that an engine can adopt.

    They hold parameters and the memory of resources in clear: keep them as a secret.
    """
    with _opened(file) as sheet:
        request = stack_export_pb2.ExportStackRequest(stack_identity=stack_called(stack))
        sheet.write(client.call(client.stub.ExportStack, request).adopt_stack_data)


@click.command()
@click.argument("stack")
@_file
@wait_options
@request_id_option
@connection_options
def abandon(client: Client, patience: Patience, stack: str, file: Path | None) -> None:
    """Print a stack as data, and have the engine forget it; its real resources stay.

    The data are all that is left of the stack, and hold secrets in clear. With --wait, they are out before the waiting
    begins.
    """
    request = stack_export_pb2.AbandonStackRequest(stack_identity=stack_called(stack), request_id=client.request_id)
    with _opened(file) as sheet:  # before it is too late to find out that the file can't be written
        answer = client.call(client.stub.AbandonStack, request)
        sheet.write(answer.adopt_stack_data)
    if patience.wait:
        _wait(Session(client, Format.JSON if file is None else Format.TABLE), patience, answer.stack)


def _wait(session: Session, patience: Patience, stack: stack_export_pb2.StackExport) -> None:
    """Show how a stack is forgotten, which by now may be over; raise Failed if it can't be."""
    identity = changes.identify(session.client, stack.id)
    after = waiting.beginning(session.client, identity)
    sources = Sources("template", stack.template)
    wait = Wait(identity, "DELETE", after, sources, len(stack.resources))
    waiting.until_settled(session, wait, patience.seconds)


@dataclass(slots=True)
class _Sheet:
    """Where data are written: a draft beside the file, which takes its name when all is on the disk."""

    file: Path | None  # None: standard output
    draft: Path | None = None

    def write(self, text: str) -> None:
        """Write the data; raise Failed, with the data on standard output, if the file can't be written."""
        readable = json.dumps(json.loads(text), indent=2)
        if self.file is None or self.draft is None:
            click.echo(readable)
            return
        try:
            with self.draft.open("w", encoding="utf-8") as written:
                written.write(readable + "\n")
                written.flush()
                os.fsync(written.fileno())
            self.draft.replace(self.file)
        except OSError as error:
            click.echo(readable)
            text = f"{self.file} could not be written ({error.strerror}); the data are on standard output"
            raise Failed(ExitCode.USAGE, text) from error


@contextmanager
def _opened(file: Path | None) -> Iterator[_Sheet]:
    """Yield where to write to; raise Failed if nothing can be written there."""
    if file is None:
        yield _Sheet(None)
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise Failed(ExitCode.USAGE, f"{file} can't be written: {error.strerror}") from error
    try:
        yield _Sheet(file, draft)
    finally:
        draft.unlink(missing_ok=True)
