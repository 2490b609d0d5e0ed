"""`isotherm snapshot`: the saved states of a stack, and the way back to one."""

from __future__ import annotations

from typing import Final

import click
from isotherm.v1 import snapshot_pb2

from engine.cli import changes, exits, messages, output, waiting
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import (
    Patience,
    Session,
    client_options,
    connection_options,
    request_id_option,
    stack_called,
    wait_options,
)
from engine.cli.waiting import Wait

_LIST: Final = ("id", "name", "action", "status", "creation_time")
_ONE: Final = (*_LIST, "status_reason")


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Save the state of a stack, and come back to it. STACK is a name or an id."""


@command.command()
@click.argument("stack")
@click.option("--name", default="", help="What to call it; several may have the same name.")
@wait_options
@request_id_option
@client_options
def take(session: Session, patience: Patience, stack: str, name: str) -> None:
    """Save the state of a stack: what it declares, and of each resource what its type can save."""
    client = session.client
    identity = changes.identify(client, stack)
    after = waiting.last_event(client, identity) if patience.wait else ""
    sources = changes.stored(client, identity) if patience.wait else Sources("", "")
    request = snapshot_pb2.StackSnapshotRequest(stack_identity=identity, name=name, request_id=client.request_id)
    snapshot = client.call(client.stub.StackSnapshot, request).snapshot
    if patience.wait:
        try:
            waiting.until_settled(session, Wait(identity, "SNAPSHOT", after, sources), patience.seconds)
        except Failed as failed:
            remains = (
                f"the snapshot is {snapshot.id}",
                f"to remove it: isotherm snapshot delete {stack} {snapshot.id}",
            )
            raise Failed(ExitCode(failed.exit_code), failed.message, (*failed.details, *remains)) from None
        snapshot = _found(session, stack, snapshot.id)
    _print(session, snapshot)


@command.command("list")
@click.argument("stack")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@client_options
def list_(session: Session, stack: str, limit: int | None) -> None:
    """List the snapshots of a stack, the newest first."""
    request = snapshot_pb2.StackListSnapshotsRequest(stack_identity=stack_called(stack))
    found = session.client.items(session.client.stub.StackListSnapshots, request, "snapshots", limit=limit)
    output.show_list(session.form, [messages.plain(snapshot) for snapshot in found], _LIST)


@command.command()
@click.argument("stack")
@click.argument("snapshot")
@client_options
def show(session: Session, stack: str, snapshot: str) -> None:
    """Show a snapshot; -o json and -o yaml with all that it holds, secrets in clear."""
    _print(session, _found(session, stack, snapshot))


@command.command()
@click.argument("stack")
@click.argument("snapshot")
@request_id_option
@connection_options
def delete(client: Client, stack: str, snapshot: str) -> None:
    """Remove a snapshot with all that was saved for it. It is gone once `show` finds it no more."""
    request = snapshot_pb2.DeleteSnapshotRequest(
        stack_identity=stack_called(stack), snapshot_id=snapshot, request_id=client.request_id
    )
    client.call(client.stub.DeleteSnapshot, request)


@command.command()
@click.argument("stack")
@click.argument("snapshot")
@wait_options
@request_id_option
@client_options
def restore(session: Session, patience: Patience, stack: str, snapshot: str) -> None:
    """Bring a stack back to a snapshot. Its timeout stays, its tags go."""
    client = session.client
    identity = changes.identify(client, stack)
    after = waiting.last_event(client, identity) if patience.wait else ""
    request = snapshot_pb2.StackRestoreRequest(
        stack_identity=identity, snapshot_id=snapshot, request_id=client.request_id
    )
    client.call(client.stub.StackRestore, request)
    sources = changes.stored(client, identity) if patience.wait else Sources("", "")
    changes.finish(session, patience, Wait(identity, "RESTORE", after, sources))


def _found(session: Session, stack: str, snapshot: str) -> snapshot_pb2.Snapshot:
    request = snapshot_pb2.ShowSnapshotRequest(stack_identity=stack_called(stack), snapshot_id=snapshot)
    return session.client.call(session.client.stub.ShowSnapshot, request).snapshot


def _print(session: Session, snapshot: snapshot_pb2.Snapshot) -> None:
    output.show_one(session.form, messages.plain(snapshot), _ONE)
