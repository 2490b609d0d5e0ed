"""Threads that send: few, with stand-ins for those that are stuck, and no more than are allowed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from engine.runtime.clock import SystemClock
from engine.runtime.loop import Loop
from engine.runtime.senders import Senders, Sending

SOON = 10
SIZE, MOST = 2, 3


@dataclass
class Line:
    """Senders, and tasks that end when they are told."""

    loop: Loop
    senders: Senders
    begun: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    ends: dict[str, threading.Event] = field(default_factory=dict)

    def on_loop(self, call: Callable[[], object]) -> None:
        """Make the call on the loop, as the streams do, and wait until it is made."""
        made = threading.Event()
        self.loop.post(lambda: (call(), made.set()))

        assert made.wait(SOON)

    def submit(self, name: str) -> Sending:
        self.ends[name] = threading.Event()
        found: list[Sending] = []
        self.on_loop(lambda: found.append(self.senders.submit(lambda: self._run(name))))
        return found[0]

    def _run(self, name: str) -> None:
        self.begun.put(name)
        self.ends[name].wait(SOON)

    def next_begun(self) -> str:
        return self.begun.get(timeout=SOON)

    def at_work(self) -> int:
        """Return how many tasks have been given to a thread and have not come back."""
        found: list[int] = []
        self.on_loop(lambda: found.append(len(self.senders._busy)))
        return found[0]

    def rest(self) -> None:
        """Let every task end, and wait until all have come back."""
        for end in self.ends.values():
            end.set()
        while self.at_work():
            pass


@pytest.fixture
def line() -> Iterator[Line]:
    loop = Loop(SystemClock())
    loop.start()
    line = Line(loop, Senders(loop, SIZE, MOST))
    before = set(threading.enumerate())
    yield line
    line.rest()
    line.on_loop(line.senders.stop)
    started = [thread for thread in threading.enumerate() if thread not in before]
    for thread in started:
        thread.join(SOON)
    loop.stop()

    assert not any(thread.is_alive() for thread in started)


def test_tasks_begin_in_the_order_in_which_they_came_as_threads_are_free(line: Line) -> None:
    for name in "abc":
        line.submit(name)

    assert {line.next_begun(), line.next_begun()} == {"a", "b"}
    assert line.at_work() == SIZE
    line.ends["b"].set()
    assert line.next_begun() == "c"


def test_another_stands_in_for_a_thread_that_is_stuck_and_leaves_when_it_returns(line: Line) -> None:
    stuck, *_ = [line.submit(name) for name in "abc"]
    line.next_begun()
    line.next_begun()
    line.on_loop(lambda: line.senders.stands_in(stuck))
    line.on_loop(lambda: line.senders.stands_in(stuck))

    assert line.next_begun() == "c"
    assert line.at_work() == SIZE + 1
    line.rest()
    for name in "def":
        line.submit(name)
    assert line.at_work() == SIZE
    assert len(line.senders._idle) == 0


def test_there_are_never_more_threads_than_are_allowed(line: Line) -> None:
    sendings = [line.submit(name) for name in "abcde"]
    for sending in sendings[:SIZE]:
        line.on_loop(lambda sending=sending: line.senders.stands_in(sending))

    assert {line.next_begun() for _ in range(MOST)} == {"a", "b", "c"}
    assert line.at_work() == MOST


def test_a_task_that_raises_costs_no_thread(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ConnectionError

    for _ in range(SIZE + 1):
        line.on_loop(lambda: line.senders.submit(broken))
    line.submit("a")

    assert line.next_begun() == "a"
    assert caplog.text.count("ConnectionError") >= SIZE + 1


def test_what_waits_is_done_before_a_stop_ends_the_threads(line: Line) -> None:
    for name in "abc":
        line.submit(name)
    line.on_loop(line.senders.stop)
    for end in line.ends.values():
        end.set()

    assert {line.next_begun() for _ in "abc"} == set("abc")
