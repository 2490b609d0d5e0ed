"""`isotherm stack create|update|delete|preview`: what changes a stack, or tells what would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from isotherm.v1 import common_pb2, resource_pb2, stack_pb2

from engine.cli import causes, changes, files, messages, output, requests, waiting
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.options import (
    Definition,
    Patience,
    Session,
    client_options,
    definition_options,
    overlay_options,
    request_id_option,
    stack_called,
    wait_options,
)
from engine.cli.output import Format
from engine.cli.waiting import Wait

_PREVIEW: Final = ("change", "resource_name", "resource_type")


def run_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add --tag, --timeout and the rollback switch, and pass them on as fields of a request."""

    @click.option("--tag", "tags", multiple=True, help="Tag to find the stack by; may be repeated.")
    @click.option("--timeout", type=click.IntRange(min=1), help="Minutes after which it fails.")
    @click.option("--enable-rollback/--disable-rollback", default=None, help="Whether a failure is undone.")
    @wraps(function)
    def command(*, tags: Any, timeout: int | None, enable_rollback: bool | None, **rest: Any) -> None:
        rollback = None if enable_rollback is None else not enable_rollback
        function(run={"tags": tags, "timeout_mins": timeout, "disable_rollback": rollback}, **rest)

    return command


_adopt = click.option(
    "--adopt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of `stack export` or `stack abandon`: take its resources over. It may hold the template, too.",
)


@click.command()
@click.argument("name")
@definition_options(template_required=False)
@_adopt
@run_options
@wait_options
@request_id_option
@client_options
def create(
    session: Session,
    patience: Patience,
    name: str,
    *,
    definition: Definition,
    adopt: Path | None,
    run: dict[str, Any],
) -> None:
    """Create a stack from a template, or with --adopt around resources that exist.

    Files that the template or its environments refer to are found beside them and sent along.
    """
    client, data = session.client, _to_adopt(definition, adopt)
    given = requests.given(definition)
    fields = {**run, **given.fields, "adopt_stack_data": data}
    request = stack_pb2.CreateStackRequest(stack_name=name, request_id=client.request_id, **fields)
    identity = client.call(client.stub.CreateStack, request).stack_identity
    sources = given.sources if given.sources.template or not patience.wait else changes.stored(client, identity)
    expected = causes.count_of_resources(sources.template)
    changes.finish(session, patience, Wait(identity, "CREATE" if adopt is None else "ADOPT", "", sources, expected))


@click.command()
@click.argument("stack")
@definition_options(template_required=False)
@overlay_options
@click.option("--clear-tags", is_flag=True, help="With --existing: no tags any more.")
@click.option(
    "--converge/--no-converge",
    default=None,
    help="Whether to put right what was changed behind its back; if not said, as at the last update.",
)
@run_options
@wait_options
@request_id_option
@client_options
def update(
    session: Session,
    patience: Patience,
    stack: str,
    definition: Definition,
    run: dict[str, Any],
    **more: Any,
) -> None:
    """Bring a stack to a new template, or with --existing to changed parameters."""
    client = session.client
    given = requests.given(definition)
    identity = changes.identify(client, stack)
    after = waiting.last_event(client, identity) if patience.wait else ""
    fields = {**more.pop("overlay"), **more, **run, **given.fields}
    request = stack_pb2.UpdateStackRequest(stack_identity=identity, request_id=client.request_id, **fields)
    client.call(client.stub.UpdateStack, request)
    sources = given.sources if given.sources.template else changes.stored(client, identity)
    changes.finish(session, patience, Wait(identity, "UPDATE", after, sources))


@click.command()
@click.argument("stack")
@wait_options
@request_id_option
@client_options
def delete(session: Session, patience: Patience, stack: str) -> None:
    """Delete a stack and everything in it."""
    client = session.client
    identity = changes.identify(client, stack)
    wait = _before_delete(client, identity) if patience.wait else Wait(identity, "DELETE", "", Sources("", ""))
    request = stack_pb2.DeleteStackRequest(stack_identity=identity, request_id=client.request_id)
    client.call(client.stub.DeleteStack, request)
    changes.finish(session, patience, wait)


@click.command()
@click.argument("name")
@definition_options(template_required=False)
@_adopt
@click.option("--update", "is_update", is_flag=True, help="Of the update of a stack, not of a new one.")
@overlay_options
@run_options
@client_options
def preview(session: Session, name: str, *, definition: Definition, adopt: Path | None, **how: Any) -> None:
    """Show what creating or updating a stack would do, and do nothing. --existing goes with --update."""
    stub, run, overlay = session.client.stub, how["run"], how["overlay"]
    if how["is_update"]:
        if adopt is not None:
            raise click.UsageError("--adopt is for a new stack; leave out --update")
        fields = {**overlay, **run, **requests.given(definition).fields}
        update = stack_pb2.PreviewUpdateStackRequest(stack_identity=stack_called(name), **fields)
        changes = session.client.call(stub.PreviewUpdateStack, update)
        _show_preview(session.form, messages.plain(changes), _PREVIEW)
        return
    if overlay["existing"]:
        raise click.UsageError("--existing goes with --update")
    data = _to_adopt(definition, adopt)
    fields = {**run, **requests.given(definition).fields, "adopt_stack_data": data}
    request = stack_pb2.PreviewStackRequest(stack_name=name, **fields)
    stack = messages.plain(session.client.call(stub.PreviewStack, request).stack)
    _show_preview(session.form, {"added": stack["resources"]}, (*_PREVIEW, "properties"))


def _to_adopt(definition: Definition, adopt: Path | None) -> str:
    """Return what a new stack is to take over; "": nothing. Raise UsageError if there is nothing to make it of."""
    if definition.template is None and adopt is None:
        raise click.UsageError("a new stack needs --template, or --adopt")
    return "" if adopt is None else files.text_of(adopt)


def _show_preview(form: Format, changes: dict[str, list[dict[str, Any]]], columns: Sequence[str]) -> None:
    if form is not Format.TABLE:
        output.dump(form, changes)
        return
    rows = [{"change": change, **resource} for change, found in changes.items() for resource in _flat(found)]
    output.show_list(form, rows, columns)


def _flat(resources: Sequence[dict[str, Any]], above: str = "") -> Iterator[dict[str, Any]]:
    """Yield resources, each followed by those of the nested stack that it stands for, named by their path."""
    for resource in resources:
        name = f"{above}{resource['resource_name']}"
        yield {**resource, "resource_name": name}
        yield from _flat(resource["resources"], f"{name}/")


def _before_delete(client: Client, identity: common_pb2.StackIdentity) -> Wait:
    """Return what to wait for, with everything looked up that is gone afterwards."""
    request = resource_pb2.ListStackResourcesRequest(stack_identity=identity)
    count = len(list(client.items(client.stub.ListStackResources, request, "resources")))
    return Wait(identity, "DELETE", waiting.last_event(client, identity), changes.stored(client, identity), count)
