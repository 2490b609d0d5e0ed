"""Streams of events: everything once, the old first, and a client that is stuck is its own problem."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId
from engine.model.records import EventRecord, StackRecord
from engine.runtime import streams
from engine.runtime.bus import Bus
from engine.runtime.loop import Loop
from engine.runtime.streams import EventStreams, Stream, Watched
from engine.store import events
from engine.store.database import Database
from kit import databases, stored
from kit.clock import FakeClock

SOON = 10


@dataclass
class Watcher:
    """A client: what it got, and how its stream ended."""

    got: list[EventRecord] = field(default_factory=list)
    error: EngineError | None = None
    over: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)  # unset: it takes nothing
    offered: threading.Event = field(default_factory=threading.Event)  # it was given an event to take
    news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    def deliver(self, event: EventRecord) -> None:
        self.offered.set()
        self.gate.wait(SOON)
        with self.news:
            self.got.append(event)
            self.news.notify_all()

    def ended(self, error: EngineError | None) -> None:
        self.error = error
        self.over.set()

    def until(self, count: int) -> list[str]:
        """Return the names of the events, once there are so many."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.got) >= count, SOON), self.names
        return self.names

    @property
    def names(self) -> list[str]:
        return [event.resource_name for event in self.got]


@dataclass
class Ground:
    db: Database
    loop: Loop
    clock: FakeClock
    bus: Bus
    streams: EventStreams
    root: StackRecord = field(init=False)

    def __post_init__(self) -> None:
        with self.db.write() as tx:
            self.root = stored.inserted(tx)

    def tell(self, *names: str, stack: StackRecord | None = None) -> int:
        """Store events in one transaction; return the position of the last."""
        with self.db.write() as tx:
            for name in names:
                last = events.append(tx, stored.event(stack or self.root, name))
            positions = [event.position for event in tx.events]
        del last
        return positions[-1]

    def watch(self, watcher: Watcher, after: int = 0, only: StackId | None = None) -> Stream:
        watched = Watched(self.root.id, lambda event: only in (None, event.stack_id), after)
        return self.streams.open(watched, watcher.deliver, watcher.ended)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    clock, bus = FakeClock(), Bus()
    loop = Loop(clock)
    clock.wake = loop.wake
    loop.start()
    with databases.opened(databases.sqlite(tmp_path), published=bus.publish) as db:
        ground = Ground(db, loop, clock, bus, EventStreams(loop, bus, db))
        yield ground
        ground.streams.stop()
        loop.stop()


def test_a_watcher_gets_what_was_there_and_then_what_comes(ground: Ground) -> None:
    ground.tell("a", "b")
    watcher = Watcher()
    ground.watch(watcher)

    assert watcher.until(2) == ["a", "b"]
    ground.tell("c")
    ground.tell("d", "e")
    assert watcher.until(5) == ["a", "b", "c", "d", "e"]


def test_a_watcher_resumes_after_the_event_it_saw_last(ground: Ground) -> None:
    seen = ground.tell("a", "b")
    ground.tell("c")
    watcher = Watcher()
    ground.watch(watcher, after=seen)
    ground.tell("d")

    assert watcher.until(2) == ["c", "d"]


def test_what_was_seen_is_no_news_though_the_bus_tells_of_it_late(ground: Ground) -> None:
    seen = ground.tell("a", "b")
    with ground.db.read() as tx:
        late = events.after(tx, position=0, limit=2)
    watcher = Watcher()
    ground.watch(watcher, after=seen)
    ground.tell("c")
    watcher.until(1)
    ground.bus.publish(late)
    ground.tell("d")

    assert watcher.until(2) == ["c", "d"]


def test_nothing_is_lost_or_doubled_where_the_past_meets_the_present(ground: Ground) -> None:
    names = [f"e{number}" for number in range(300)]
    watchers = [Watcher() for _ in range(6)]
    for number, name in enumerate(names):
        ground.tell(name)
        if number % 50 == 10:
            ground.watch(watchers[number // 50])

    for watcher in watchers:
        assert watcher.until(300) == names


def test_a_long_past_is_read_page_by_page(ground: Ground) -> None:
    names = [f"e{number}" for number in range(2 * streams.PAGE + 7)]
    ground.tell(*names)
    watcher = Watcher()
    ground.watch(watcher)

    assert watcher.until(len(names)) == names


def test_events_of_nested_stacks_come_with_those_of_their_root(ground: Ground) -> None:
    with ground.db.write() as tx:
        nested = stored.inserted(tx, root_id=ground.root.id, owner_id=ground.root.id)
        stranger = stored.inserted(tx)
    ground.tell("inside before", stack=nested)
    watcher, only_inside = Watcher(), Watcher()
    ground.watch(watcher)
    ground.watch(only_inside, only=nested.id)
    watcher.until(1)
    ground.tell("of another", stack=stranger)
    ground.tell("inside after", stack=nested)
    ground.tell("outside")

    assert watcher.until(3) == ["inside before", "inside after", "outside"]
    assert only_inside.until(2) == ["inside before", "inside after"]


def test_a_client_that_is_stuck_is_cut_off_while_the_others_go_on(ground: Ground) -> None:
    stuck, lively = Watcher(), Watcher()
    stuck.gate.clear()
    ground.watch(stuck)
    ground.watch(lively)
    ground.tell("a")
    lively.until(1)
    ground.tell("b")
    assert lively.until(2) == ["a", "b"]
    until_sending(ground)
    ground.clock.advance(streams.STUCK_AFTER + 1)

    assert stuck.over.wait(SOON)
    assert stuck.error is not None
    assert stuck.error.code is Code.WATCH_TOO_SLOW
    assert not lively.over.is_set()
    ground.tell("c")
    assert lively.until(3) == ["a", "b", "c"]
    stuck.gate.set()


def stuck_with_all_senders(ground: Ground) -> tuple[list[Watcher], Watcher]:
    """Return as many clients as there are senders, each of which keeps one, and another one that is in line."""
    stuck, lively = [Watcher() for _ in range(streams.SENDERS)], Watcher()
    for watcher in stuck:
        watcher.gate.clear()
        ground.watch(watcher)
    ground.tell("a")
    for watcher in stuck:
        assert watcher.offered.wait(SOON)
    ground.watch(lively)
    until_sending(ground)
    return stuck, lively


def test_clients_that_are_stuck_keep_no_sender_from_the_others(ground: Ground) -> None:
    stuck, lively = stuck_with_all_senders(ground)
    assert lively.names == []
    ground.clock.advance(streams.SLOW_AFTER)

    assert lively.until(1) == ["a"]
    assert not any(watcher.over.is_set() for watcher in stuck)
    for watcher in stuck:
        watcher.gate.set()
    ground.tell("b")
    for watcher in (*stuck, lively):
        assert watcher.until(2) == ["a", "b"]


def test_a_client_that_waits_for_a_sender_is_not_cut_off_for_it(ground: Ground) -> None:
    stuck, lively = stuck_with_all_senders(ground)
    ground.clock.advance(streams.STUCK_AFTER + 1)

    for watcher in stuck:
        assert watcher.over.wait(SOON), "it is told though no sender is free"
    assert lively.until(1) == ["a"]
    assert not lively.over.is_set()
    for watcher in stuck:
        watcher.gate.set()


def test_a_client_that_broke_is_told_and_forgotten(ground: Ground) -> None:
    watcher, lively = Watcher(), Watcher()

    def broken(_: EventRecord) -> None:
        raise ConnectionError

    ground.streams.open(Watched(ground.root.id, lambda _: True, 0), broken, watcher.ended)
    ground.watch(lively)
    ground.tell("a")

    assert watcher.over.wait(SOON)
    assert watcher.error is not None
    assert watcher.error.code is Code.INTERNAL
    assert lively.until(1) == ["a"]


def test_a_stream_that_was_closed_delivers_nothing_more_and_says_nothing(ground: Ground) -> None:
    gone, stays = Watcher(), Watcher()
    stream = ground.watch(gone)
    ground.watch(stays)
    ground.tell("a")
    gone.until(1)
    stays.until(1)
    stream.close()
    stream.close()
    ground.tell("b")
    stays.until(2)

    assert gone.names == ["a"]
    assert not gone.over.is_set()
    assert ground.streams._bus._subscribers.keys() == {ground.root.id}


def test_a_stop_tells_every_client_to_go_on_elsewhere(ground: Ground) -> None:
    watchers = [Watcher(), Watcher()]
    for watcher in watchers:
        ground.watch(watcher)
    ground.streams.stop()

    for watcher in watchers:
        assert watcher.over.wait(SOON)
        assert watcher.error is not None
        assert watcher.error.code is Code.SHUTTING_DOWN


def test_many_watchers_share_a_few_threads(ground: Ground) -> None:
    before = threading.active_count()
    watchers = [Watcher() for _ in range(100)]
    for watcher in watchers:
        ground.watch(watcher)
    ground.tell("a", "b")
    for watcher in watchers:
        watcher.until(2)

    assert threading.active_count() - before <= streams.SENDERS


def test_the_bus_has_one_to_tell_for_all_watchers_of_a_tree(ground: Ground) -> None:
    watchers = [Watcher() for _ in range(3)]
    streams_ = [ground.watch(watcher) for watcher in watchers]
    ground.tell("a")
    for watcher in watchers:
        watcher.until(1)

    assert [len(told) for told in ground.streams._bus._subscribers.values()] == [1]

    for stream in streams_:
        stream.close()
    until_sending(ground)

    assert ground.streams._bus._subscribers == {}


def until_sending(ground: Ground) -> None:
    """Return when what was posted to the loop before has run."""
    passed = threading.Event()
    ground.loop.post(passed.set)

    assert passed.wait(SOON)
