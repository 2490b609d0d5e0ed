"""Few things for many threads: one at a time, in the order of asking, and nobody waits for ever."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from engine.model.errors import Code, EngineError
from engine.runtime.turns import Turns

LONG = 10.0  # seconds; no test waits as long


def waiting(turns: Turns[str], count: int) -> None:
    """Return once so many threads wait."""
    deadline = time.monotonic() + LONG
    while len(turns._waiting) != count:
        assert time.monotonic() < deadline, f"{len(turns._waiting)} threads wait, not {count}"
        time.sleep(0.001)


class Taker(threading.Thread):
    """Takes a thing in a thread of its own, and keeps what came of it."""

    def __init__(self, turns: Turns[str], served: list[int], number: int) -> None:
        super().__init__(daemon=True)
        self.turns, self.served, self.number = turns, served, number
        self.found: str | EngineError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.found = self.turns.take(LONG)
        except EngineError as error:
            self.found = error
        self.served.append(self.number)


def test_the_thing_used_last_is_given_out_first() -> None:
    turns = Turns(["cold", "warm"])
    warm = turns.take(LONG)
    turns.give(warm)

    assert turns.take(LONG) == warm


def test_who_asked_first_is_served_first() -> None:
    turns = Turns(["only"])
    thing = turns.take(LONG)
    served: list[int] = []
    takers = []
    for number in range(4):
        takers.append(Taker(turns, served, number))
        waiting(turns, number + 1)
    for taker in takers:
        turns.give(thing)
        taker.join(LONG)

    assert served == [0, 1, 2, 3]
    assert {taker.found for taker in takers} == {"only"}


def test_who_waited_too_long_goes_without_and_takes_nothing_from_the_others() -> None:
    turns = Turns(["only"])
    thing = turns.take(LONG)
    with pytest.raises(queue.Empty):
        turns.take(0.01)
    turns.give(thing)

    assert turns.take(0.01) == "only"


def test_after_closing_nobody_gets_anything_and_who_waited_is_told() -> None:
    turns = Turns(["only"])
    thing = turns.take(LONG)
    taker = Taker(turns, [], 0)
    waiting(turns, 1)
    closer = threading.Thread(target=turns.close, args=(LONG,), daemon=True)
    closer.start()
    taker.join(LONG)

    assert isinstance(taker.found, EngineError)
    assert taker.found.code is Code.SHUTTING_DOWN
    with pytest.raises(EngineError):
        turns.take(LONG)

    assert closer.is_alive()  # one thing is still in use
    turns.give(thing)
    closer.join(LONG)
    assert not closer.is_alive()


def test_closing_does_not_wait_for_ever_for_what_never_comes_back() -> None:
    turns = Turns(["only"])
    turns.take(LONG)

    turns.close(0.01)
