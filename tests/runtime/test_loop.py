"""The loop: calls in order, timers when they are due, and no call ends it."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from engine.runtime.loop import Loop
from kit.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def loop(clock: FakeClock) -> Iterator[Loop]:
    loop = Loop(clock)
    clock.wake = loop.wake
    loop.start()
    yield loop
    loop.stop()


def test_calls_run_in_the_order_of_posting_and_an_error_ends_nothing(loop: Loop) -> None:
    said: queue.Queue[int] = queue.Queue()
    loop.post(said.put, 1)
    loop.post(lambda: 1 / 0)
    loop.post(said.put, 2)

    assert [said.get(timeout=10), said.get(timeout=10)] == [1, 2]


def test_timers_fire_by_the_clock_in_order_of_their_time(clock: FakeClock, loop: Loop) -> None:
    said: queue.Queue[str] = queue.Queue()
    loop.post(lambda: loop.after(20, said.put, "late"))
    loop.post(lambda: loop.after(10, said.put, "early"))
    loop.post(said.put, "now")

    assert said.get(timeout=10) == "now"
    clock.advance(15)
    assert said.get(timeout=10) == "early"
    assert said.empty()
    clock.advance(15)
    assert said.get(timeout=10) == "late"


def test_a_cancelled_timer_does_not_fire(clock: FakeClock, loop: Loop) -> None:
    said: queue.Queue[str] = queue.Queue()
    loop.post(lambda: loop.after(1, said.put, "cancelled").cancel())
    loop.post(lambda: loop.after(2, said.put, "kept"))
    loop.post(said.put, "set")
    assert said.get(timeout=10) == "set"
    clock.advance(5)

    assert said.get(timeout=10) == "kept"
    assert said.empty()
