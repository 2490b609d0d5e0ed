"""The pool: bounded, fair between groups, and not stuck on a task that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.runtime.loop import Loop
from engine.runtime.pool import Pool
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


def test_a_group_with_many_tasks_does_not_starve_one_with_few(loop: Loop) -> None:
    pool, order, done, gate = Pool(loop, 1), [], threading.Event(), threading.Event()
    pool.submit("gate", gate.wait)
    for number in range(100):
        pool.submit("big", lambda number=number: order.append(("big", number)))
    for number in range(3):
        pool.submit("small", lambda number=number: order.append(("small", number)))
    pool.submit("small", done.set)
    gate.set()

    assert done.wait(10)
    assert [group for group, _ in order[:6]] == ["big", "small"] * 3
    pool.stop()


def test_no_more_tasks_run_at_once_than_there_are_threads(loop: Loop) -> None:
    pool, running, most, lock = Pool(loop, 3), 0, 0, threading.Lock()
    finished, full = threading.Semaphore(0), threading.Barrier(3)

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        full.wait(10)
        with lock:
            running -= 1
        finished.release()

    for _ in range(12):
        pool.submit("group", task)
    for _ in range(12):
        assert finished.acquire(timeout=10)

    assert most == 3
    pool.stop()


def test_a_task_that_hangs_is_written_off_and_its_thread_replaced(clock: FakeClock, loop: Loop) -> None:
    pool, hangs, started, after = Pool(loop, 1, hang_limit=5), threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        started.set()
        hangs.wait(60)

    pool.submit("group", hang)
    pool.submit("group", after.set)
    assert started.wait(10)
    assert not after.is_set()
    clock.advance(6)

    assert after.wait(10)
    hangs.set()
    pool.stop()


def test_a_dropped_group_runs_nothing_more(loop: Loop) -> None:
    pool, gate, ran, end = Pool(loop, 1), threading.Event(), [], threading.Event()
    pool.submit("other", gate.wait)
    pool.submit("group", lambda: ran.append("group"))
    loop.post(pool.drop, "group")
    pool.submit("other", end.set)
    gate.set()

    assert end.wait(10)
    assert ran == []
    pool.stop()
