"""RPCs of events: convert, call, convert. The stream is sent by the runtime's threads, not by the one that opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from isotherm.v1 import event_pb2 as pb

from engine.api.convert import events as convert
from engine.api.interceptors import Replies
from engine.model.ids import EventId, StackIdentity
from engine.model.records import Caller, EventRecord
from engine.runtime.kept import Kept
from engine.runtime.streams import EventStreams
from engine.usecases import events as usecases

_SHARED: Final = 1_000  # messages: of as many events as are on their way at a time


class _Messages:
    """The messages of the latest events: all who watch an event are sent the same one."""

    def __init__(self) -> None:
        self._kept: Kept[tuple[EventId, StackIdentity | None], pb.WatchEventsResponse] = Kept(_SHARED, lambda _: 1)

    def of(self, view: usecases.EventView) -> pb.WatchEventsResponse:
        key = (view.event.id, view.root)
        return self._kept.get(key) or self._kept.put(key, convert.watched(view))


@dataclass(frozen=True, slots=True)
class Events:
    """The room of events."""

    events: usecases.Events
    streams: EventStreams
    _messages: _Messages = field(default_factory=_Messages)

    def ListEvents(self, request: pb.ListEventsRequest, caller: Caller) -> pb.ListEventsResponse:
        """Return a page of events."""
        return convert.page(*self.events.list(caller, convert.list_events(request)))

    def WatchEvents(self, request: pb.WatchEventsRequest, caller: Caller, replies: Replies) -> None:
        """Send events as they happen, until the caller leaves."""
        watch = self.events.watch(caller, convert.watch_events(request))

        def deliver(event: EventRecord) -> None:
            replies.send(self._messages.of(watch.view(event)))

        replies.begin()
        stream = self.streams.open(watch.watched, deliver, replies.end)
        replies.when_gone(stream.close)
