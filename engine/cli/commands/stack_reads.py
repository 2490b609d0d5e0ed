"""`isotherm stack list|show|outputs|resources|events`: what only looks."""

from __future__ import annotations

import time
from functools import wraps
from typing import Any, Final

import click
from isotherm.v1 import common_pb2, event_pb2, output_pb2, resource_pb2, stack_pb2

from engine.cli import drawing, messages, output, waiting
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import Function, Session, client_options, stack_called
from engine.cli.output import Format
from engine.cli.progress import Progress

_STACKS: Final = ("stack_name", "status", "creation_time", "updated_time", "id")
_STACK: Final = (
    "stack_name",
    "id",
    "status",
    "status_reason",
    "description",
    "creation_time",
    "updated_time",
    "tags",
    "timeout_mins",
    "disable_rollback",
    "parameters",
    "outputs",
)
_RESOURCES: Final = ("resource_name", "resource_type", "status", "updated_time", "physical_resource_id")
_EVENTS: Final = ("event_time", "resource_name", "status", "status_reason")
_EVENT: Final = ("event_id", "stack_name", *_EVENTS, "resource_type", "physical_resource_id", "resource_properties")
_FILTERS: Final = ("resource_name", "resource_type", "resource_action", "resource_status")
_limit = click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
_depth = click.option("--nested-depth", type=click.IntRange(min=0), default=0, help="Levels of nested stacks.")


@click.command("list")
@click.option("--status", multiple=True, help="Only such as CREATE_COMPLETE or FAILED; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; repeated: with all of them.")
@click.option("--deleted", "show_deleted", is_flag=True, help="Deleted ones too.")
@click.option("--nested", "show_nested", is_flag=True, help="Nested ones too.")
@click.option("--hidden", "show_hidden", is_flag=True, help="Those with a hidden tag too.")
@click.option("--sort", "sort_keys", multiple=True, help="stack_name, stack_status, creation_time, updated_time.")
@click.option("--descending", is_flag=True, help="Sort the other way round.")
@_limit
@client_options
def list_(session: Session, status: tuple[str, ...], descending: bool, limit: int | None, **fields: Any) -> None:
    """List stacks, the newest first unless --sort says otherwise."""
    request = stack_pb2.ListStacksRequest(filters=stack_pb2.StackFilters(stack_status=status), **fields)
    if request.sort_keys:
        request.sort_dir = common_pb2.SORT_DIR_DESC if descending else common_pb2.SORT_DIR_ASC
    found = session.client.items(session.client.stub.ListStacks, request, "stacks", limit=limit)
    stacks = [messages.of_stack(messages.plain(stack)) for stack in found]
    output.show_list(session.form, stacks, _STACKS)


@click.command()
@click.argument("stack")
@client_options
def show(session: Session, stack: str) -> None:
    """Show a stack with its parameters and outputs."""
    request = stack_pb2.ShowStackRequest(stack_identity=stack_called(stack))
    found = messages.plain(session.client.call(session.client.stub.ShowStack, request).stacks[0])
    values = messages.of_stack(found)
    if session.form is Format.TABLE:
        values["outputs"] = {item["output_key"]: item["output_value"] for item in values["outputs"]}
    output.show_one(session.form, values, _STACK)


@click.command()
@click.argument("stack")
@click.argument("key", required=False)
@client_options
def outputs(session: Session, stack: str, key: str | None) -> None:
    """Print the outputs of a stack, or the bare value of one of them."""
    stub, identity = session.client.stub, stack_called(stack)
    if key is None:
        request = stack_pb2.ShowStackRequest(stack_identity=identity)  # ListOutputs has no values
        answer = session.client.call(stub.ShowStack, request).stacks[0]
        _show_outputs(session, [messages.plain(item) for item in answer.outputs])
        return
    one = output_pb2.ShowOutputRequest(stack_identity=identity, output_key=key)
    found = messages.plain(session.client.call(stub.ShowOutput, one).output)
    if session.form is Format.TABLE:
        click.echo(output.cell(found["output_value"]))
    else:
        output.dump(session.form, found)


@click.command()
@click.argument("stack")
@click.option("--status", multiple=True, help="Only such as CREATE_COMPLETE or FAILED; may be repeated.")
@_depth
@_limit
@client_options
def resources(session: Session, stack: str, status: tuple[str, ...], nested_depth: int, limit: int | None) -> None:
    """List the resources of a stack."""
    request = resource_pb2.ListStackResourcesRequest(
        stack_identity=stack_called(stack),
        nested_depth=nested_depth,
        filters=resource_pb2.ResourceFilters(status=status),
    )
    stub = session.client.stub
    found = session.client.items(stub.ListStackResources, request, "resources", limit=limit)
    rows = [messages.of_resource(messages.plain(resource)) for resource in found]
    columns = ("stack_name", *_RESOURCES) if nested_depth else _RESOURCES
    output.show_list(session.form, rows, columns)


def filter_options(function: Function) -> Function:
    """Add --resource, --type, --action and --status, and pass them on as `kept`: fields of a filter of events."""

    @click.option("--resource", "resource_name", multiple=True, help="Only of this resource; may be repeated.")
    @click.option("--type", "resource_type", multiple=True, help="Only of this type; OS::Heat::Stack: of stacks.")
    @click.option("--action", "resource_action", multiple=True, help="Only of an action, such as CREATE.")
    @click.option("--status", "resource_status", multiple=True, help="Only IN_PROGRESS, COMPLETE or FAILED ones.")
    @wraps(function)
    def command(**given: Any) -> None:
        kept = {name: given.pop(name) for name in _FILTERS}
        function(kept=kept, **given)

    return command


@click.command()
@click.argument("stack")
@filter_options
@click.option("--id", "uuid", metavar="UUID", help="Show this event alone, with the properties of the resource then.")
@click.option("--follow", is_flag=True, help="Go on printing what happens, until interrupted.")
@_depth
@_limit
@client_options
def events(session: Session, stack: str, *, follow: bool, uuid: str | None, **how: Any) -> None:
    """List the events of a stack, the oldest first; with --limit the newest of them."""
    kept, depth, limit = how["kept"], how["nested_depth"], how["limit"]
    if follow:
        if uuid or limit or any(kept.values()):
            raise click.UsageError("--follow shows all that happens; it goes with --nested-depth only")
        _follow(session, stack, depth)
        return
    filters = event_pb2.EventFilters(**kept, uuid=[uuid] if uuid else [])
    request = event_pb2.ListEventsRequest(stack_identity=stack_called(stack), filters=filters, nested_depth=depth)
    found = list(session.client.items(session.client.stub.ListEvents, request, "events", limit=limit))
    rows = [messages.of_resource(messages.plain(event)) for event in reversed(found)]
    if uuid is None:
        output.show_list(session.form, rows, ("stack_name", *_EVENTS) if depth else _EVENTS)
    elif rows:
        output.show_one(session.form, rows[0], _EVENT)
    else:
        raise Failed(ExitCode.NOT_FOUND, f'there is no event "{uuid}" in stack "{stack}", or no filter keeps it')


def _show_outputs(session: Session, found: list[dict[str, Any]]) -> None:
    for item in found:
        item["value"] = item["output_value"] if not item["output_error"] else item["output_error"]
    output.show_list(session.form, found, ("output_key", "value", "description"))


def _follow(session: Session, stack: str, depth: int) -> None:
    identify = stack_pb2.IdentifyStackRequest(stack_name=stack)
    identity = session.client.call(session.client.stub.IdentifyStack, identify).stack_identity
    progress = Progress(identity.stack_id, identity.stack_name)
    lines = drawing.Lines(progress, to_stderr=False)
    request = event_pb2.WatchEventsRequest(stack_identity=identity, nested_depth=depth)
    for event in waiting.events(session.client, request):
        lines.event(event, progress.take(event, time.monotonic()))
