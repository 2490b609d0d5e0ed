"""A lane: in order, bounded, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from engine.runtime.lane import Lane

SOON = 10


@dataclass
class Taker:
    """Takes numbers; waits at a gate, and breaks at some."""

    breaks_at: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    def take(self, number: int) -> None:
        with self.news:
            self.taken.append(number)
            self.news.notify_all()
        self.gate.wait(SOON)
        if number in self.breaks_at:
            raise RuntimeError(f"{number} is too much")

    def until(self, count: int) -> list[int]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.taken) >= count, SOON), self.taken
        return self.taken


@pytest.fixture
def taker() -> Iterator[Taker]:
    taker = Taker()
    yield taker
    taker.gate.set()


def test_things_are_taken_in_order_and_all_of_them_before_the_end(taker: Taker) -> None:
    lane = Lane("the lane", taker.take, room=9)
    lane.add([1, 2])
    lane.start()
    lane.add([3])
    taker.gate.set()
    lane.add([4, 5])
    lane.close()

    assert lane.join(SOON)
    assert taker.taken == [1, 2, 3, 4, 5]


def test_what_a_taker_raises_is_logged_and_the_next_thing_comes(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    taker.breaks_at = {1}
    taker.gate.set()
    lane = Lane("the lane", taker.take, room=9)
    lane.start()
    lane.add([1, 2])
    lane.close()

    assert lane.join(SOON)
    assert taker.taken == [1, 2]
    assert "the lane failed" in caplog.text
    assert "1 is too much" in caplog.text


def test_the_oldest_make_room_and_are_counted(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane("the lane", taker.take, room=3)
    lane.start()
    lane.add([1])
    taker.until(1)
    lane.add([2, 3, 4, 5])
    lane.add([6])
    taker.gate.set()
    lane.close()

    assert lane.join(SOON)
    assert taker.taken == [1, 4, 5, 6]
    assert [record.getMessage() for record in caplog.records] == [
        "the lane is too slow, or closed: 1 events that were to go there are lost"
    ]


def test_every_thousandth_loss_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane("the lane", lambda _: None, room=1)
    for _ in range(25):
        lane.add([*range(100)])

    assert [record.args[1] for record in caplog.records] == [99, 1099, 2099]


def test_one_that_is_stuck_is_given_up_and_told(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane("the lane", taker.take, room=9)
    lane.start()
    lane.add([1, 2, 3])
    taker.until(1)
    lane.close()

    assert not lane.join(0.01)
    assert "the lane did not take 3 events in time" in caplog.text
    taker.gate.set()
    assert lane.join(SOON)
    assert taker.taken == [1]


def test_what_comes_after_the_end_is_told_as_lost(taker: Taker, caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane("the lane", taker.take, room=9)
    lane.close()
    lane.add([1])

    assert lane.join(0)
    assert taker.taken == []
    assert "1 events that were to go there are lost" in caplog.text


def test_it_looks_when_nothing_waits_and_again_when_it_said_so() -> None:
    looks: list[float] = []
    enough = threading.Event()

    def look() -> float | None:
        looks.append(len(looks))
        if len(looks) == 3:
            enough.set()
        return 0.001 if len(looks) < 3 else None

    lane: Lane[int] = Lane("the lane", looks.remove, look=look, room=9)
    lane.start()

    assert enough.wait(SOON)
    lane.add([0])
    lane.close()
    assert lane.join(SOON)
    assert 0 not in looks
