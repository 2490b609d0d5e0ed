"""The events of a stack in order: the early ones wait, but not for ever."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.runtime import sequences
from engine.runtime.sequences import Sequences, Turn
from kit import stored

ONE, TWO = stored.stack(), stored.stack()


def event(number: int, owner=ONE):
    return stored.event(owner, sequence=number)


def numbers(turns: Sequence[Turn]) -> list[int]:
    return [turn.event.sequence for turn in turns]


def test_what_comes_in_order_goes_at_once() -> None:
    order = Sequences(10)
    turns = [turn for number in (1, 2, 3) for turn in order.arrived(event(number), 0)]

    assert numbers(turns) == [1, 2, 3]
    assert all(turn.follows for turn in turns)
    assert order.due() is None


def test_what_is_early_waits_for_what_is_missing_and_no_other_stack_does() -> None:
    order = Sequences(10)
    order.arrived(event(1), 0)

    assert order.arrived(event(4), 1) == []
    assert order.arrived(event(3), 2) == []
    assert numbers(order.arrived(event(1, TWO), 3)) == [1]
    assert numbers(order.arrived(event(2), 4)) == [2, 3, 4]
    assert numbers(order.arrived(event(5), 5)) == [5]
    assert order.due() is None


def test_what_never_comes_is_not_waited_for_longer_than_the_patience() -> None:
    order = Sequences(10)
    order.arrived(event(1), 0)
    order.arrived(event(4), 1)
    order.arrived(event(3), 2)

    assert order.due() == 11
    assert order.overdue(10.9) == []
    late = order.overdue(11)
    assert [(turn.event.sequence, turn.follows) for turn in late] == [(3, False), (4, True)]
    assert order.due() is None
    assert [(turn.event.sequence, turn.follows) for turn in order.arrived(event(2), 12)] == [(2, False)]
    assert [(turn.event.sequence, turn.follows) for turn in order.arrived(event(5), 12)] == [(5, True)]


def test_the_first_that_is_heard_of_a_stack_waits_for_nothing() -> None:
    (turn,) = Sequences(10).arrived(event(17), 0)

    assert not turn.follows


def test_what_waits_goes_when_nothing_more_comes() -> None:
    order = Sequences(10)
    for number in (1, 3, 5):
        order.arrived(event(number), 0)

    assert numbers(order.rest()) == [3, 5]
    assert order.rest() == []


def test_not_more_than_some_wait() -> None:
    order = Sequences(10)
    order.arrived(event(1), 0)
    most = sequences._MOST_WAITING
    held = [order.arrived(event(number), 0) for number in range(3, 3 + most)]

    assert held == [[]] * most
    assert numbers(order.arrived(event(3 + most), 0)) == [*range(3, 4 + most)]


@given(st.randoms(use_true_random=False), st.integers(1, 30))
def test_any_order_becomes_the_order(chance: random.Random, count: int) -> None:
    order, later = Sequences(10), [*range(2, count + 1)]
    chance.shuffle(later)
    turns = [turn for number in (1, *later) for turn in order.arrived(event(number), 0)]

    assert numbers(turns) == [*range(1, count + 1)]
    assert all(turn.follows for turn in turns)
