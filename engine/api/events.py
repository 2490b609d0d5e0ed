"""RPCs of events: convert, call, convert. The stream is sent by the runtime's threads, not by the one that opens it."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import event_pb2 as pb

from engine.api.convert import events as convert
from engine.api.interceptors import Replies
from engine.model.records import Caller, EventRecord
from engine.runtime.streams import EventStreams
from engine.usecases import events as usecases


@dataclass(frozen=True, slots=True)
class Events:
    """The room of events."""

    events: usecases.Events
    streams: EventStreams

    def ListEvents(self, request: pb.ListEventsRequest, caller: Caller) -> pb.ListEventsResponse:
        """Return a page of events."""
        return convert.page(*self.events.list(caller, convert.list_events(request)))

    def WatchEvents(self, request: pb.WatchEventsRequest, caller: Caller, replies: Replies) -> None:
        """Send events as they happen, until the caller leaves."""
        watch = self.events.watch(caller, convert.watch_events(request))

        def deliver(event: EventRecord) -> None:
            replies.send(convert.watched(watch.view(event)))

        replies.begin()
        stream = self.streams.open(watch.watched, deliver, replies.end)
        replies.when_gone(stream.close)
