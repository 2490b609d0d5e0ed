"""Options that many commands share, and the `Session` that they add up to.

@group.command("show")
@click.argument("stack")
@client_options
def show(session: Session, stack: str) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from isotherm.v1 import common_pb2

from engine.cli.client import ENDPOINT, Client
from engine.cli.output import Format

Function = Callable[..., None]

DEPTH: Final = 100  # levels of nested stacks; the engine allows far fewer


@dataclass(frozen=True, slots=True)
class Session:
    """What a client command works with."""

    client: Client
    form: Format


@dataclass(frozen=True, slots=True)
class Definition:
    """What a user gives for a stack: where its texts are, and values for its parameters."""

    template: Path | None
    environments: tuple[Path, ...]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Patience:
    """Whether to stay until the stack has come to its end."""

    wait: bool
    seconds: float | None  # None: as long as it takes


def connection_options(function: Function) -> Function:
    """Add --endpoint and --project, and pass them on as `client`."""

    @click.option(
        "--endpoint",
        envvar="ISOTHERM_ENDPOINT",
        default=ENDPOINT,
        show_default=True,
        help="Where the engine is.",
    )
    @click.option("--project", envvar="ISOTHERM_PROJECT", default="", help="On whose behalf to ask.")
    @wraps(function)
    def command(*, endpoint: str, project: str, request_id: str | None = None, **rest: Any) -> None:
        client = Client(endpoint, project, request_id)
        try:
            function(client=client, **rest)
        finally:
            client.close()

    return command


def client_options(function: Function) -> Function:
    """Add --endpoint, --project and -o, and pass them on as `session`."""

    @click.option(
        "-o",
        "--output",
        type=click.Choice([form.value for form in Format]),
        default="table",
        show_default=True,
    )
    @wraps(function)
    def command(*, client: Client, output: str, **rest: Any) -> None:
        function(session=Session(client, Format(output)), **rest)

    return connection_options(command)


def request_id_option(function: Function) -> Function:
    """Add --request-id, which the client takes; not given, an invocation has one of its own.

    It stands below the options that make the client.
    """
    text = "Of an earlier try, to get its answer and not to do it twice. At best a UUID; not given: a new one."
    return click.option("--request-id", metavar="ID", callback=_filled, help=text)(function)


def overlay_options(function: Function) -> Function:
    """Add --existing and --clear-parameter, and pass them on as `overlay`: fields of a request."""

    @click.option("--existing", is_flag=True, help="What is not given stays as it is.")
    @click.option("--clear-parameter", "clear", multiple=True, help="With --existing: back to its default.")
    @wraps(function)
    def command(*, existing: bool, clear: tuple[str, ...], **rest: Any) -> None:
        if clear and not existing:
            raise click.UsageError("--clear-parameter goes with --existing")
        function(overlay={"existing": existing, "clear_parameters": clear}, **rest)

    return command


def definition_options(*, template_required: bool) -> Callable[[Function], Function]:
    """Add -t, -e and -P, and pass them on as `definition`."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    def decorate(function: Function) -> Function:
        @click.option("-t", "--template", type=file, required=template_required, help="File of the template.")
        @click.option(
            "-e",
            "--environment",
            "environments",
            type=file,
            multiple=True,
            help="Environment; later ones win.",
        )
        @click.option(
            "-P",
            "--parameter",
            "parameters",
            metavar="KEY=VALUE",
            callback=_pairs,
            multiple=True,
            help="Wins over environments.",
        )
        @wraps(function)
        def command(*, template: Path | None, environments: Any, parameters: Any, **rest: Any) -> None:
            function(definition=Definition(template, environments, parameters), **rest)

        return command

    return decorate


def wait_options(function: Function) -> Function:
    """Add --wait and --wait-timeout, and pass them on as `patience`."""

    @click.option("--wait", is_flag=True, help="Show what happens until it is over; fail if the stack fails.")
    @click.option("--wait-timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds to wait at most.")
    @wraps(function)
    def command(*, wait: bool, wait_timeout: float | None, **rest: Any) -> None:
        function(patience=Patience(wait or wait_timeout is not None, wait_timeout), **rest)

    return command


def depth_option(function: Function) -> Function:
    """Add --depth, and pass it on as `depth`: all levels, unless it is given."""
    text = "Levels of nested stacks to go down. Not given: all."
    return click.option("--depth", type=click.IntRange(min=0), default=DEPTH, help=text)(function)


def stack_called(name: str) -> common_pb2.StackIdentity:
    """Return an identity of a name or id alone; the engine finds the rest."""
    return common_pb2.StackIdentity(stack_name=name)


def _filled(_ctx: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    """Refuse what is empty: to the engine that means that every call counts."""
    if given == "":
        raise click.BadParameter("an empty id is none")
    return given


def _pairs(_ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Split each `key=value` at its first equals sign."""
    pairs = [text.partition("=") for text in given]
    for key, equals, value in pairs:
        if not key or not equals:
            raise click.BadParameter(f'"{key}{equals}{value}" is not of the form key=value')
    return {key: value for key, _, value in pairs}
