"""`--wait` and `stack watch`: follow the events of a stack until it has come to its end.

The stream is only how we learn that something happened. Whether it is over says the stack itself, asked after
each event that looks like an end: a failed create whose rollback begins is not over, and neither is a stack
that somebody else has updated meanwhile. When the engine goes away the stream is taken up again after the last
event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import grpc
from isotherm.v1 import common_pb2, event_pb2, stack_pb2

from engine.cli import causes, drawing, messages
from engine.cli.causes import Sources
from engine.cli.client import CALL_S, Client
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import DEPTH, Session
from engine.cli.output import Format
from engine.cli.progress import IN_PROGRESS, ROLLBACK, STACK_TYPE, Progress, Seen
from engine.cli.refusals import refusal


@dataclass(frozen=True, slots=True)
class Wait:
    """What to wait for."""

    identity: common_pb2.StackIdentity
    action: str  # what was asked for; the stack has come to it when it reads <action>_COMPLETE
    after: str  # id of the event before it began; "": from the first event on
    sources: Sources
    expected: int | None = None  # resources that it will touch; None: not known


@dataclass(frozen=True, slots=True)
class Watch:
    """What to follow until it is at rest."""

    identity: common_pb2.StackIdentity
    after: str = ""  # id of an event; "": from the first event on
    depth: int = DEPTH  # levels of nested stacks
    newest: str | None = None  # id of the event up to which all is past, so that it may be at rest; None: it begins
    seconds: float | None = None  # how long to wait; None: as long as it takes


def last_event(client: Client, identity: common_pb2.StackIdentity, *, depth: int = 0) -> str:
    """Return the id of the newest event of a stack: what comes after it, comes from what is asked now.

    With a depth: of the stack and the live ones nested in it, down to so many levels.
    """
    request = event_pb2.ListEventsRequest(stack_identity=identity, nested_depth=depth)
    newest = list(client.items(client.stub.ListEvents, request, "events", limit=1))
    if not newest and depth:
        return last_event(client, identity)  # a deleted stack is seen only if nothing nested is asked for
    return newest[0].event_id if newest else ""


def beginning(client: Client, identity: common_pb2.StackIdentity) -> str:
    """Return the id of the event before the last action of a stack began; "": the action was its first.

    A rollback is not taken for an action of its own: what it undoes is part of the story.
    """
    filters = event_pb2.EventFilters(resource_type=[STACK_TYPE], resource_status=[IN_PROGRESS])
    request = event_pb2.ListEventsRequest(stack_identity=identity, filters=filters)
    found = map(seen, client.items(client.stub.ListEvents, request, "events"))
    first = next((one for one in found if one.is_of_stack and one.action != ROLLBACK), None)
    if first is None:
        return ""
    before = event_pb2.ListEventsRequest(stack_identity=identity, marker=first.event_id)
    older = list(client.items(client.stub.ListEvents, before, "events", limit=1))
    return older[0].event_id if older else ""


def last_action(client: Client, identity: common_pb2.StackIdentity) -> Progress:
    """Return what has happened so far since the last action of a stack began, in all that is nested in it too."""
    progress = Progress(identity.stack_id, identity.stack_name)
    after, newest = beginning(client, identity), last_event(client, identity, depth=DEPTH)
    if newest in ("", after):
        return progress
    # Watched and not listed: a list has no events of nested stacks that a rollback has taken away since.
    request = event_pb2.WatchEventsRequest(stack_identity=identity, after_event_id=after, nested_depth=DEPTH)
    for event in events(client, request, CALL_S):
        progress.take(event, 0.0)
        if event.event_id == newest:
            break
    return progress


def until_at_rest(client: Client, watch: Watch, tell: Callable[[Seen], None]) -> dict[str, Any]:
    """Pass on every event until the stack is at rest, and return it.

    What looks like an end in the past is none: a failed create may have been rolled back since.
    """
    if watch.newest in ("", watch.after) and (stack := _settled(client, watch.identity)):
        return stack
    request = event_pb2.WatchEventsRequest(
        stack_identity=watch.identity, after_event_id=watch.after, nested_depth=watch.depth
    )
    stack, is_past = None, watch.newest not in (None, "", watch.after)
    for event in events(client, request, watch.seconds):
        tell(event)
        is_own = event.is_of_stack and event.stack_id == watch.identity.stack_id
        is_end = event.event_id == watch.newest or (is_own and event.status != IN_PROGRESS and not is_past)
        is_past = is_past and not is_end
        if is_end and (stack := _settled(client, watch.identity)):
            break
    assert stack is not None  # events never end
    return stack


def until_settled(session: Session, wait: Wait, seconds: float | None) -> dict[str, Any]:
    """Show what happens until the stack is at rest and return it; raise Failed if it is not as asked for.

    `seconds` is how long to wait; None: as long as it takes. On a terminal the cause of a failure stands above the
    tree, elsewhere below the events: both times it is what the eye falls on.
    """
    progress = Progress(wait.identity.stack_id, wait.identity.stack_name, wait.expected)
    with drawing.show_for(progress, to_stderr=session.form is not Format.TABLE) as show:
        try:
            # What was asked for may be over: then nothing comes any more that would end the waiting.
            newest = last_event(session.client, wait.identity) if session.client.is_repetition else None
            watch = Watch(wait.identity, wait.after, newest=newest, seconds=seconds)
            stack = until_at_rest(
                session.client, watch, lambda event: show.event(event, progress.take(event, time.monotonic()))
            )
        except KeyboardInterrupt:
            text = f'not waiting any longer; stack "{progress.name}" goes on'
            raise Failed(ExitCode.INTERRUPTED, text) from None
        state = messages.state(stack, "stack")
        if state == f"{wait.action}_COMPLETE":
            return stack
        cause = progress.root_cause()
        reason = [stack["stack_status_reason"]]
        show.failed(reason if cause is None else causes.explain(progress.names(cause), cause, wait.sources))
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


def _settled(client: Client, identity: common_pb2.StackIdentity) -> dict[str, Any] | None:
    """Return the stack if it is at rest."""
    request = stack_pb2.ShowStackRequest(stack_identity=identity, resolve_outputs=True)
    stack = messages.plain(client.call(client.stub.ShowStack, request).stacks[0])
    return None if stack["stack_status"] == IN_PROGRESS else stack
