"""Events as messages, and requests for them as values (rpc.md §2.3)."""

from __future__ import annotations

from collections.abc import Sequence

from isotherm.v1 import event_pb2 as pb

from engine.api.convert import identities, pages, values
from engine.model.ids import StackIdentity
from engine.usecases.events import EventView, ListEvents, WatchEvents


def event(view: EventView) -> pb.Event:
    """Return an event."""
    record = view.event
    stack = StackIdentity(record.project, record.stack_name, record.stack_id)
    return pb.Event(
        event_identity=identities.event_identity(stack.event(record.resource_name, record.id)),
        stack_identity=identities.stack_identity(stack),
        stack_name=record.stack_name,
        event_time=identities.timestamp(record.time),
        resource_name=record.resource_name,
        physical_resource_id=record.physical_id or "",
        resource_action=identities.RESOURCE_ACTION[record.action],
        resource_status=identities.STATUS[record.status],
        resource_status_reason=record.reason,
        resource_type=record.resource_type,
        resource_properties=values.to_struct(record.properties) if view.with_properties else None,
        root_stack_id=identities.stack_identity(view.root) if view.root else None,
        event_id=record.id,
    )


def watched(view: EventView) -> pb.WatchEventsResponse:
    """Return an event of a stream."""
    return pb.WatchEventsResponse(event=event(view))


def list_events(request: pb.ListEventsRequest) -> ListEvents:
    """Return which events are wanted."""
    return ListEvents(
        identity=identities.wanted_stack_if_any(request),
        nested_depth=request.nested_depth,
        filters={field.name: list(given) for field, given in request.filters.ListFields()},
        limit=identities.limit(request),
        marker=request.marker,
        sort_keys=tuple(request.sort_keys),
        sort_dir=identities.sort_dir(request.sort_dir),
    )


def watch_events(request: pb.WatchEventsRequest) -> WatchEvents:
    """Return which events are to be followed."""
    return WatchEvents(
        identity=identities.wanted_stack_if_any(request),
        nested_depth=request.nested_depth,
        after_event_id=request.after_event_id,
        only_new=request.only_new,
    )


def page(views: Sequence[EventView], marker: str) -> pb.ListEventsResponse:
    """Return a page of events."""
    messages, following = pages.fit(views, marker, convert=event, marker_of=lambda view: view.event.id)
    return pb.ListEventsResponse(events=messages, next_marker=following)
