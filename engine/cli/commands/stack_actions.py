"""`isotherm stack suspend|resume|check|cancel|rollback`: what is done to a stack as a whole, with no new template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from isotherm.v1 import action_pb2, common_pb2

from engine.cli import changes, waiting
from engine.cli.causes import Sources
from engine.cli.options import Patience, Session, client_options, request_id_option, wait_options
from engine.cli.waiting import Wait


@click.command()
@click.argument("stack")
@wait_options
@request_id_option
@client_options
def suspend(session: Session, patience: Patience, stack: str) -> None:
    """Put all resources of a stack to rest."""
    identity = changes.identify(session.client, stack)
    request = action_pb2.StackSuspendRequest(stack_identity=identity, request_id=session.client.request_id)
    _act(session, patience, "SUSPEND", call=session.client.stub.StackSuspend, request=request)


@click.command()
@click.argument("stack")
@wait_options
@request_id_option
@client_options
def resume(session: Session, patience: Patience, stack: str) -> None:
    """Wake a suspended stack."""
    identity = changes.identify(session.client, stack)
    request = action_pb2.StackResumeRequest(stack_identity=identity, request_id=session.client.request_id)
    _act(session, patience, "RESUME", call=session.client.stub.StackResume, request=request)


@click.command()
@click.argument("stack")
@wait_options
@request_id_option
@client_options
def check(session: Session, patience: Patience, stack: str) -> None:
    """Look whether the real resources of a stack are as they should be."""
    identity = changes.identify(session.client, stack)
    request = action_pb2.StackCheckRequest(stack_identity=identity, request_id=session.client.request_id)
    _act(session, patience, "CHECK", call=session.client.stub.StackCheck, request=request)


@click.command()
@click.argument("stack")
@click.option("--no-rollback", is_flag=True, help="Let it be FAILED as it is; of a create too.")
@wait_options
@request_id_option
@client_options
def cancel(session: Session, patience: Patience, stack: str, no_rollback: bool) -> None:
    """Break off a running update, and roll it back.

    With --no-rollback the stack is FAILED at once, and there is nothing to wait for.
    """
    identity = changes.identify(session.client, stack)
    request = action_pb2.StackCancelUpdateRequest(
        stack_identity=identity, cancel_with_rollback=not no_rollback, request_id=session.client.request_id
    )
    if no_rollback:
        patience = Patience(wait=False, seconds=None)
    _act(session, patience, "ROLLBACK", call=session.client.stub.StackCancelUpdate, request=request)


@click.command()
@click.argument("stack")
@click.option("--skip", "skip_resources", metavar="NAME", multiple=True, help="Leave this resource; may be repeated.")
@wait_options
@request_id_option
@client_options
def rollback(session: Session, patience: Patience, stack: str, skip_resources: Any) -> None:
    """Bring a stack that failed back to its last complete template.

    If a resource can't be brought back, --skip leaves it as it is, and the next update deals with it again.
    """
    identity = changes.identify(session.client, stack)
    request = action_pb2.StackRollbackRequest(
        stack_identity=identity, skip_resources=skip_resources, request_id=session.client.request_id
    )
    _act(session, patience, "ROLLBACK", call=session.client.stub.StackRollback, request=request)


def _act(session: Session, patience: Patience, action: str, *, call: Callable[..., Any], request: Any) -> None:
    """Ask for an action, and wait if asked to and if there is anything to wait for."""
    client = session.client
    identity: common_pb2.StackIdentity = request.stack_identity
    after = waiting.last_event(client, identity) if patience.wait else ""
    # A rollback leads to a template that the engine does not show: no line of the stored one is to blame.
    is_stored = patience.wait and action != "ROLLBACK"
    sources = changes.stored(client, identity) if is_stored else Sources("", "")
    client.call(call, request)
    if patience.wait and not client.is_repetition and waiting.last_event(client, identity) == after:
        patience = Patience(wait=False, seconds=None)  # it was so already: nothing happens that could be waited for
    changes.finish(session, patience, Wait(identity, action, after, sources))
