"""`isotherm resource`: what is told to one resource of a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value
from isotherm.v1 import resource_pb2

from engine.cli import exits, messages, output
from engine.cli.client import Client
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import Session, client_options, connection_options, request_id_option, stack_called

_HOOKS: Final = ("pre-create", "post-create", "pre-update", "post-update", "pre-delete", "post-delete")


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Signal a resource, let it go on from a hook, or mark it as unhealthy."""


@command.command()
@click.argument("stack")
@click.argument("name")
@click.option("--data", metavar="JSON", help="What to tell it.")
@click.option("--data-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File of such JSON.")
@click.option("--sync", is_flag=True, help="Wait until it is handled, and print the metadata of the resource then.")
@request_id_option
@client_options
def signal(session: Session, stack: str, name: str, *, sync: bool, **said: Any) -> None:
    """Send a signal to a resource of a stack."""
    answer = _send(session.client, stack, name, details=_details(**said), sync=sync)
    if sync:
        output.show_one(session.form, messages.plain(answer)["metadata"] or {})


@command.command("unset-hook")
@click.argument("stack")
@click.argument("name")
@click.argument("hook", type=click.Choice(_HOOKS))
@request_id_option
@connection_options
def unset_hook(client: Client, stack: str, name: str, hook: str) -> None:
    """Let a resource go on that waits at a hook; `isotherm stack hooks` lists those that do."""
    details = Struct()
    details.update({"unset_hook": hook})
    _send(client, stack, name, details=Value(struct_value=details))


@command.command("mark-unhealthy")
@click.argument("stack")
@click.argument("name")
@click.argument("reason", default="")
@click.option("--reset", is_flag=True, help="It is healthy after all.")
@request_id_option
@connection_options
def mark_unhealthy(client: Client, stack: str, name: str, reason: str, reset: bool) -> None:
    """Have the next update of the stack replace a resource. NAME may also be its id at the provider."""
    request = resource_pb2.ResourceMarkUnhealthyRequest(
        stack_identity=stack_called(stack),
        resource_name=name,
        mark_unhealthy=not reset,
        resource_status_reason=reason,
        request_id=client.request_id,
    )
    client.call(client.stub.ResourceMarkUnhealthy, request)


def _send(
    client: Client, stack: str, name: str, *, details: Value | None, sync: bool = False
) -> resource_pb2.ResourceSignalResponse:
    request = resource_pb2.ResourceSignalRequest(
        stack_identity=stack_called(stack),
        resource_name=name,
        details=details,
        sync_call=sync,
        request_id=client.request_id,
    )
    return client.call(client.stub.ResourceSignal, request)


def _details(data: str | None, data_file: Path | None) -> Value | None:
    """Return what is to be told, from where it stands; None: nothing."""
    if data is not None and data_file is not None:
        raise click.UsageError("--data and --data-file say the same; give one of them")
    text = data if data_file is None else data_file.read_bytes()
    return None if text is None else _value(text)


def _value(text: str | bytes) -> Value:
    """Return JSON as a message; raise Failed for what is none."""
    try:
        return json_format.ParseDict(json.loads(text, parse_constant=_no_number), Value())
    except (ValueError, RecursionError, json_format.ParseError) as error:
        raise Failed(ExitCode.USAGE, f"the data is no JSON: {error}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
