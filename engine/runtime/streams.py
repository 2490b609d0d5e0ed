"""Streams of events to watchers: any number of them, on a few sender threads, and none of them slows a walk.

A stream first reads what it missed from the database, then follows the bus. Whoever commits only hands its events over,
once for all streams of a tree; they are noted down on a loop that is not the conductor's, and a sender thread delivers
them, which may wait for a slow client: then another thread stands in for it. A client that has not taken one event
within the limit is cut off: it resumes from the last event that it got. Time in line for a sender is not the client's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId
from engine.model.records import EventRecord
from engine.runtime.bus import Bus
from engine.runtime.loop import Loop, Timer
from engine.runtime.senders import Senders, Sending
from engine.store import events
from engine.store.database import Database

log = logging.getLogger(__name__)

SENDERS = 8  # threads that can move
MOST_SENDERS = 64  # with those that are stuck with a client
PAGE = 500  # events read at a time
MOST_NOTED = 10_000  # events a stream notes down before it reads them from the database instead
TOLD_LATE = 1_000  # events; the bus tells of none that is committed so long before the last
SLOW_AFTER = 1.0  # seconds in which a client takes nothing, until another thread stands in for its sender
STUCK_AFTER = 20.0  # seconds in which a client must take one event

Deliver = Callable[[EventRecord], None]
Ended = Callable[[EngineError | None], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watcher wants to see."""

    root_id: StackId | None  # the tree; None: all trees
    includes: Callable[[EventRecord], bool]  # which events of the tree
    after: int  # position of the last event seen; 0: from the beginning


class Stream:
    """One watcher. Its state belongs to the loop, except for the cursor, which belongs to the sender at work."""

    def __init__(self, streams: EventStreams, watched: Watched, deliver: Deliver, ended: Ended) -> None:
        self.watched = watched
        self.deliver = deliver
        self.ended = ended
        self.cursor = watched.after
        self.seen: dict[int, None] = {}  # the last positions delivered, or known before; oldest first
        self.noted: deque[EventRecord] = deque()
        self.behind = True  # the database knows more than `noted`
        self.sending: Sending | None = None  # None: nothing is on its way
        self.moved: float | None = None  # when a sender began with it, or its client took an event; None: it is in line
        self.closed = False
        self.limit: Timer | None = None
        self._streams = streams

    def is_new(self, event: EventRecord) -> bool:
        """Return whether the event was not delivered before, and note that it is now.

        Transactions of different stacks of one tree may commit in another order than their positions, so a lower
        position than the last is no sign of an old event.
        """
        if event.position in self.seen:
            return False
        self.seen[event.position] = None
        if len(self.seen) > MOST_NOTED:
            del self.seen[next(iter(self.seen))]
        self.cursor = max(self.cursor, event.position)
        return True

    def close(self) -> None:
        """End the stream without a word: the client is gone. May be called from any thread, more than once."""
        self._streams.close(self)


class EventStreams:
    """All streams of this engine."""

    def __init__(self, loop: Loop, bus: Bus, db: Database) -> None:
        self._loop = loop
        self._bus = bus
        self._db = db
        self._senders = Senders(loop, SENDERS, MOST_SENDERS)
        self._gone: EngineError | None = None  # what watchers are told once the engine stops
        self._trees: dict[StackId | None, dict[Stream, None]] = {}  # the open ones, by what they watch
        self._notes: dict[StackId | None, Callable[[Sequence[EventRecord]], None]] = {}  # what the bus calls for them

    def open(self, watched: Watched, deliver: Deliver, ended: Ended) -> Stream:
        """Deliver the events that are there after the position, and then each one as it is committed."""
        stream = Stream(self, watched, deliver, ended)
        self._loop.post(self._start, stream)
        return stream

    def close(self, stream: Stream) -> None:
        """End one stream."""
        self._loop.post(self._end, stream)

    def stop(self) -> None:
        """End all streams, telling their clients that the engine stops and where else to go on."""
        self._loop.post(self._stop)

    def _start(self, stream: Stream) -> None:
        if self._gone is not None:  # it was opened as the engine stopped
            stream.ended(self._gone)
            return
        tree = stream.watched.root_id
        if tree not in self._trees:
            self._trees[tree] = {}
            self._notes[tree] = partial(self._loop.post, self._note_all, tree)
            self._bus.subscribe(tree, self._notes[tree])
        self._trees[tree][stream] = None
        self._send(stream)

    def _note_all(self, tree: StackId | None, batch: Sequence[EventRecord]) -> None:
        for stream in self._trees.get(tree, ()):
            self._note(stream, batch)

    def _note(self, stream: Stream, batch: Sequence[EventRecord]) -> None:
        if len(stream.noted) + len(batch) > MOST_NOTED:
            stream.noted.clear()
            stream.behind = True
        elif not stream.behind or stream.sending is not None:
            stream.noted.extend(batch)
        self._send(stream)

    def _send(self, stream: Stream) -> None:
        if stream.sending is not None or stream.closed or not (stream.behind or stream.noted):
            return
        batch = None if stream.behind else list(stream.noted)
        stream.behind = False
        stream.noted.clear()
        stream.moved = None
        stream.limit = self._loop.after(SLOW_AFTER, self._look_after, stream)
        stream.sending = self._senders.submit(partial(self._deliver, stream, batch))

    def _deliver(self, stream: Stream, batch: Sequence[EventRecord] | None) -> None:
        """Deliver what was noted, or all that the database has; in a sender thread, one at a time for each stream."""
        error = None
        stream.moved = self._loop.now()
        try:
            for event in self._missed(stream) if batch is None else batch:
                if stream.closed:
                    break
                if stream.is_new(event) and stream.watched.includes(event):
                    stream.deliver(event)
                    stream.moved = self._loop.now()
        except EngineError as caught:
            error = caught
        except Exception:
            log.exception("a watcher could not be served")
            error = EngineError(Code.INTERNAL, "the stream of events broke; resume from the last event")
        self._loop.post(self._sent, stream, error)

    def _missed(self, stream: Stream) -> Sequence[EventRecord]:
        found: list[EventRecord] = []
        after = stream.cursor
        if after and not stream.seen:  # what is committed may not be on the bus yet: when it comes it is no news
            with self._db.read() as tx:
                known = events.positions(tx, after - TOLD_LATE, after, root_id=stream.watched.root_id)
            stream.seen.update(dict.fromkeys(sorted(known)))
        while True:
            with self._db.read() as tx:
                page = events.after(tx, root_id=stream.watched.root_id, position=after, limit=PAGE)
            found.extend(page)
            if len(page) < PAGE or len(found) >= MOST_NOTED:
                stream.behind = stream.behind or len(page) == PAGE
                return found
            after = page[-1].position

    def _sent(self, stream: Stream, error: EngineError | None) -> None:
        stream.sending = None
        if stream.limit is not None:
            stream.limit.cancel()
        if error is not None:
            self._end(stream, error)
        else:
            self._send(stream)

    def _look_after(self, stream: Stream) -> None:
        """End a stream whose client has taken nothing for too long; one that moves, however slowly, gets more time."""
        if stream.closed or stream.sending is None:
            return
        still = 0.0 if stream.moved is None else self._loop.now() - stream.moved
        if still >= SLOW_AFTER:
            self._senders.stands_in(stream.sending)
        if still >= STUCK_AFTER:
            text = "the client does not take its events; resume from the last one received"
            self._end(stream, EngineError(Code.WATCH_TOO_SLOW, text))
        else:
            stream.limit = self._loop.after(SLOW_AFTER, self._look_after, stream)

    def _end(self, stream: Stream, error: EngineError | None = None) -> None:
        tree = stream.watched.root_id
        if stream not in self._trees.get(tree, ()):
            return
        stream.closed = True
        del self._trees[tree][stream]
        if not self._trees[tree]:
            del self._trees[tree]
            self._bus.unsubscribe(tree, self._notes.pop(tree))
        if error is not None:
            stream.ended(error)  # here, and not by a sender: all of those may wait for just such clients

    def _stop(self) -> None:
        gone = EngineError(Code.SHUTTING_DOWN, "the engine stops; resume from the last event at another one")
        self._gone = gone
        for stream in [stream for tree in self._trees.values() for stream in tree]:
            self._end(stream, gone)
        self._senders.stop()
