"""ThreadGroupManager: the seed's methods and their meanings, on one pool."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.model.errors import ActionInProgress
from engine.model.ids import EngineId, StackId
from engine.model.records import Caller, StackRecord
from engine.runtime.loop import Loop
from engine.runtime.pool import Pool
from engine.runtime.stack_lock import StackLock
from engine.runtime.thread_groups import ThreadGroupManager
from engine.store.database import Database
from kit import databases, stored
from kit.clock import FakeClock

ME, OTHER = EngineId("me"), EngineId("other")
STACK = StackId("stack")
CALLER = Caller("p")
INTERVAL = 60.0
SOON = 10  # seconds until a test that waits gives up


@dataclass
class Ground:
    """The manager with what it stands on."""

    clock: FakeClock
    loop: Loop
    pool: Pool
    db: Database
    alive: set[EngineId] = field(default_factory=set)
    groups: ThreadGroupManager = field(init=False)

    def __post_init__(self) -> None:
        self.groups = ThreadGroupManager(self.loop, self.pool, self.lock, INTERVAL)

    def lock(self, stack_id: StackId, engine_id: EngineId) -> StackLock:
        return StackLock(self.db, self.alive.__contains__, stack_id, engine_id)

    def stack(self) -> StackRecord:
        with self.db.write() as tx:
            return stored.inserted(tx)

    def settled(self) -> None:
        """Return when all that was posted to the loop before has run."""
        passed = threading.Event()
        self.loop.post(passed.set)

        assert passed.wait(SOON)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    clock = FakeClock()
    loop = Loop(clock)
    clock.wake = loop.wake
    loop.start()
    pool = Pool(loop, 4)
    with databases.opened(databases.sqlite(tmp_path)) as db:
        yield Ground(clock, loop, pool, db)
        pool.stop()
        loop.stop()


@dataclass
class Ear:
    """An event that remembers what it was sent."""

    heard: queue.Queue[str] = field(default_factory=queue.Queue)

    def send(self, message: str) -> None:
        self.heard.put(message)


def fail(*_: object) -> None:
    raise ValueError("told to")


def test_start_runs_the_function_with_its_arguments_in_a_thread_of_the_pool(ground: Ground) -> None:
    def work(*args: object, **kwargs: object) -> tuple[object, ...]:
        return (threading.current_thread().name, args, kwargs)

    assert ground.groups.start(STACK, work, 1, two=2).result(SOON) == ("visitor", (1,), {"two": 2})


def test_start_tells_what_the_function_raises(ground: Ground) -> None:
    with pytest.raises(ValueError, match="told to"):
        ground.groups.start(STACK, fail).result(SOON)


def test_a_function_that_answers_with_a_future_is_waited_for_without_a_thread(ground: Ground) -> None:
    walks: list[Future[str]] = [Future() for _ in range(20)]
    tasks = [ground.groups.start(STACK, lambda walk=walk: walk) for walk in walks]
    after = ground.groups.start(STACK, lambda: "a thread was free").result(SOON)

    assert after == "a thread was free"
    assert not any(task.done() for task in tasks)
    for number, walk in enumerate(walks):
        walk.set_result(f"walk {number}")
    assert [task.result(SOON) for task in tasks] == [f"walk {number}" for number in range(20)]


def test_start_with_lock_holds_the_lock_while_the_function_runs_and_no_longer(ground: Ground) -> None:
    stack, gate = ground.stack(), threading.Event()
    task = ground.groups.start_with_lock(CALLER, stack, ME, gate.wait, SOON)
    held_by = ground.lock(stack.id, ME).get_engine_id()
    gate.set()
    task.result(SOON)

    assert held_by == ME
    assert ground.lock(stack.id, ME).get_engine_id() is None


def test_start_with_lock_runs_nothing_if_the_lock_cannot_be_had(ground: Ground) -> None:
    stack, ran = ground.stack(), []
    ground.alive.add(OTHER)
    ground.lock(stack.id, OTHER).acquire()
    with pytest.raises(ActionInProgress):
        ground.groups.start_with_lock(CALLER, stack, ME, ran.append, "ran")
    ground.settled()

    assert ran == []
    assert ground.lock(stack.id, ME).get_engine_id() == OTHER


@pytest.mark.parametrize("work", [pytest.param(lambda: "fine", id="success"), pytest.param(fail, id="exception")])
def test_start_with_acquired_lock_releases_it_at_the_end(ground: Ground, work: object) -> None:
    stack = ground.stack()
    lock = ground.lock(stack.id, ME)
    lock.acquire()
    task = ground.groups.start_with_acquired_lock(stack, lock, work)
    task.exception(SOON)

    assert lock.get_engine_id() is None


def test_a_walk_releases_its_lock_itself(ground: Ground) -> None:
    stack, walk = ground.stack(), Future()
    lock = ground.lock(stack.id, ME)
    lock.acquire()
    task = ground.groups.start_with_acquired_lock(stack, lock, lambda: walk)
    walk.set_result("ended")

    assert task.result(SOON) == "ended"
    assert lock.get_engine_id() == ME


def test_a_graceful_stop_waits_for_what_runs_and_what_was_started(ground: Ground) -> None:
    gate, ran = threading.Event(), []
    for _ in range(4):
        ground.groups.start(STACK, gate.wait, SOON)
    queued = ground.groups.start(STACK, ran.append, "queued")
    stopping = threading.Thread(target=ground.groups.stop, args=(STACK, True))
    stopping.start()
    ground.settled()

    assert stopping.is_alive()
    gate.set()
    stopping.join(SOON)
    assert not stopping.is_alive()
    assert (queued.done(), ran) == (True, ["queued"])


def test_a_stop_that_is_not_graceful_cancels_what_has_not_started_and_waits_for_the_rest(ground: Ground) -> None:
    gate, started, ran = threading.Event(), threading.Semaphore(0), []

    def busy() -> str:
        started.release()
        gate.wait(SOON)
        return "went on to its end"

    running = [ground.groups.start(STACK, busy) for _ in range(4)]
    for _ in running:
        assert started.acquire(timeout=SOON)
    queued = ground.groups.start(STACK, ran.append, "queued")
    stopping = threading.Thread(target=ground.groups.stop, args=(STACK,))
    stopping.start()
    with pytest.raises(CancelledError):
        queued.result(SOON)

    assert stopping.is_alive()
    gate.set()
    stopping.join(SOON)
    assert [task.result(SOON) for task in running] == ["went on to its end"] * 4
    assert ran == []


def test_stop_waits_for_the_callbacks_of_what_ended(ground: Ground) -> None:
    """A lock is released in the task itself, so whoever stopped a stack can acquire it."""
    stack, gate = ground.stack(), threading.Event()
    ground.groups.start_with_lock(CALLER, stack, ME, gate.wait, SOON)
    gate.set()
    ground.groups.stop(stack.id)

    assert ground.lock(stack.id, ME).get_engine_id() is None


def test_stop_ends_timers_and_forgets_events(ground: Ground) -> None:
    ear, ticks = Ear(), queue.Queue()
    ground.groups.add_event(STACK, ear)
    ground.groups.add_timer(STACK, ticks.put, "tick")
    ticks.get(timeout=SOON)
    ground.groups.stop(STACK)
    ground.groups.send(STACK, "anybody there?")
    ground.clock.advance(3 * INTERVAL)
    ground.settled()
    ground.groups.start(StackId("another"), lambda: None).result(SOON)

    assert ear.heard.empty()
    assert ticks.empty()


@pytest.mark.parametrize("graceful", [True, False])
def test_stopping_an_unknown_stack_is_harmless(ground: Ground, graceful: bool) -> None:
    ground.groups.stop(StackId("unknown"), graceful)
    ground.groups.stop_timers(StackId("unknown"))


def test_a_stack_that_was_stopped_can_be_started_again(ground: Ground) -> None:
    ground.groups.start(STACK, lambda: None).result(SOON)
    ground.groups.stop(STACK)

    assert ground.groups.start(STACK, lambda: "again").result(SOON) == "again"


def test_a_timer_fires_now_and_then_after_each_interval_even_if_it_fails(ground: Ground) -> None:
    ticks: queue.Queue[float] = queue.Queue()

    def tick() -> None:
        ticks.put(ground.clock.monotonic())
        raise ValueError("a timer must not die of this")

    ground.groups.add_timer(STACK, tick)
    seen = [ticks.get(timeout=SOON)]
    for _ in range(3):
        ground.groups.start(STACK, lambda: None).result(SOON)
        ground.settled()
        until_set(ground)
        ground.clock.advance(INTERVAL)
        seen.append(ticks.get(timeout=SOON))

    assert seen == [0, INTERVAL, 2 * INTERVAL, 3 * INTERVAL]


def test_a_timer_does_not_overtake_itself(ground: Ground) -> None:
    gate, ticks = threading.Event(), queue.Queue()

    def slow() -> None:
        ticks.put("tick")
        gate.wait(SOON)

    ground.groups.add_timer(STACK, slow)
    ticks.get(timeout=SOON)
    ground.clock.advance(10 * INTERVAL)
    ground.groups.start(STACK, lambda: None).result(SOON)
    ground.settled()

    assert ticks.empty()
    gate.set()


def test_stop_timers_stops_only_timers(ground: Ground) -> None:
    ear, ticks = Ear(), queue.Queue()
    ground.groups.add_event(STACK, ear)
    ground.groups.add_timer(STACK, ticks.put, "tick")
    ticks.get(timeout=SOON)
    ground.groups.stop_timers(STACK)
    ground.clock.advance(3 * INTERVAL)
    ground.groups.send(STACK, "still there?")

    assert ear.heard.get(timeout=SOON) == "still there?"
    ground.groups.start(STACK, lambda: None).result(SOON)
    assert ticks.empty()


def test_a_message_reaches_all_who_wait_for_it_and_they_stay(ground: Ground) -> None:
    ears, other = [Ear(), Ear()], Ear()
    for ear in ears:
        ground.groups.add_event(STACK, ear)
    ground.groups.add_event(StackId("another"), other)
    ground.groups.send(STACK, "cancel")
    ground.groups.send(STACK, "cancel_with_rollback")

    assert [[ear.heard.get(timeout=SOON), ear.heard.get(timeout=SOON)] for ear in ears] == [
        ["cancel", "cancel_with_rollback"]
    ] * 2
    assert other.heard.empty()


def test_a_removed_event_hears_nothing_more_and_leaves_the_others(ground: Ground) -> None:
    gone, stays = Ear(), Ear()
    ground.groups.add_event(STACK, gone)
    ground.groups.add_event(STACK, stays)
    ground.groups.remove_event(None, STACK, gone)
    ground.groups.remove_event(None, STACK, gone)
    ground.groups.remove_event(None, StackId("unknown"), gone)
    ground.groups.send(STACK, "cancel")

    assert stays.heard.get(timeout=SOON) == "cancel"
    assert gone.heard.empty()


def test_a_message_that_nobody_waits_for_is_harmless(ground: Ground) -> None:
    ground.groups.send(STACK, "cancel")
    ground.groups.send(StackId("unknown"), "cancel")

    assert ground.groups.start(STACK, lambda: "alive").result(SOON) == "alive"


def test_groups_that_are_idle_leave_nothing_behind(ground: Ground) -> None:
    ear = Ear()
    for number in range(50):
        stack_id = StackId(f"s{number}")
        ground.groups.add_event(stack_id, ear)
        ground.groups.start(stack_id, lambda: None).result(SOON)
        ground.groups.remove_event(None, stack_id, ear)
    ground.settled()
    ground.settled()

    assert ground.groups._groups == {}


def until_set(ground: Ground) -> None:
    """Return when the timer of the manager has asked the loop for its next call."""
    known: queue.Queue[bool] = queue.Queue()
    while True:
        ground.loop.post(lambda: known.put(any(timer.call is not None for timer in ground.loop._timers)))
        if known.get(timeout=SOON):
            return
