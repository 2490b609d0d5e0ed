"""`--wait`: follow the events of a stack until it has come to its end.

The stream is only how we learn that something happened. Whether it is over says the stack itself, asked after
each event that looks like an end: a failed create whose rollback begins is not over, and neither is a stack
that somebody else has updated meanwhile. When the engine goes away the stream is taken up again after the last
event.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import grpc
from isotherm.v1 import common_pb2, event_pb2, stack_pb2

from engine.cli import causes, drawing, messages
from engine.cli.causes import Sources
from engine.cli.client import Client
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import Session
from engine.cli.output import Format
from engine.cli.progress import IN_PROGRESS, Progress, Seen
from engine.cli.refusals import refusal

DEPTH: Final = 100  # levels of nested stacks; the engine allows far fewer


@dataclass(frozen=True, slots=True)
class Wait:
    """What to wait for."""

    identity: common_pb2.StackIdentity
    action: str  # what was asked for; the stack has come to it when it reads <action>_COMPLETE
    after: str  # id of the event before it began; "": from the first event on
    sources: Sources
    expected: int | None = None  # resources that it will touch; None: not known


def last_event(client: Client, identity: common_pb2.StackIdentity) -> str:
    """Return the id of the newest event of a stack: what comes after it, comes from what is asked now."""
    request = event_pb2.ListEventsRequest(stack_identity=identity)
    newest = list(client.items(client.stub.ListEvents, request, "events", limit=1))
    return newest[0].event_id if newest else ""


def until_settled(session: Session, wait: Wait, seconds: float | None) -> dict[str, Any]:
    """Show what happens until the stack is at rest and return it; raise Failed if it is not as asked for.

    `seconds` is how long to wait; None: as long as it takes. On a terminal the cause of a failure stands above the
    tree, elsewhere below the events: both times it is what the eye falls on.
    """
    progress = Progress(wait.identity.stack_id, wait.identity.stack_name, wait.expected)
    with drawing.show_for(progress, to_stderr=session.form is not Format.TABLE) as show:
        try:
            stack = _watching(session, wait, seconds, progress=progress, show=show)
        except KeyboardInterrupt:
            text = f'not waiting any longer; stack "{progress.name}" goes on'
            raise Failed(ExitCode.INTERRUPTED, text) from None
        state = messages.state(stack, "stack")
        if state == f"{wait.action}_COMPLETE":
            return stack
        cause = progress.root_cause()
        reason = [stack["stack_status_reason"]]
        show.failed(reason if cause is None else causes.explain(progress.path(cause), wait.sources))
    raise Failed(ExitCode.STACK_FAILED, f'stack "{progress.name}" is {state}')


def seen(event: event_pb2.Event) -> Seen:
    """Return what an event says."""
    values = messages.plain(event)
    return Seen(
        event_id=event.event_id,
        stack_id=event.stack_identity.stack_id,
        stack_name=event.stack_name,
        name=event.resource_name,
        type=event.resource_type,
        action=values["resource_action"],
        status=values["resource_status"],
        reason=event.resource_status_reason,
        physical_id=event.physical_resource_id,
        time=event.event_time.ToDatetime(UTC),
    )


def events(client: Client, request: event_pb2.WatchEventsRequest, seconds: float | None = None) -> Iterator[Seen]:
    """Yield events without end, across restarts of the engine; raise Failed when `seconds` are over."""
    ends = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if ends is None else max(ends - time.monotonic(), 0.01)
        try:
            for answer in client.stream(client.stub.WatchEvents, request, left):
                request.after_event_id = answer.event.event_id
                yield seen(answer.event)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and ends is not None:
                text = f"not over after {seconds:g} seconds; it goes on"
                raise Failed(ExitCode.TIMED_OUT, text) from None
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise refusal(error, client.endpoint) from None
        client.reconnect()


def _watching(
    session: Session, wait: Wait, seconds: float | None, *, progress: Progress, show: drawing.Show
) -> dict[str, Any]:
    """Pass on every event until the stack is at rest, and return it."""
    request = event_pb2.WatchEventsRequest(stack_identity=wait.identity, after_event_id=wait.after, nested_depth=DEPTH)
    stack = None
    for event in events(session.client, request, seconds):
        show.event(event, progress.take(event, time.monotonic()))
        is_end = event.is_of_stack and event.stack_id == progress.root_id and event.status != IN_PROGRESS
        if is_end and (stack := _settled(session.client, wait.identity)):
            break
    assert stack is not None  # events never end
    return stack


def _settled(client: Client, identity: common_pb2.StackIdentity) -> dict[str, Any] | None:
    """Return the stack if it is at rest."""
    request = stack_pb2.ShowStackRequest(stack_identity=identity, resolve_outputs=True)
    stack = messages.plain(client.call(client.stub.ShowStack, request).stacks[0])
    return None if stack["stack_status"] == IN_PROGRESS else stack
