"""The five promises of the one algorithm, over random histories of walks on paper."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.records import ResourceRecord
from engine.model.states import Action, Status
from kit.paper_world import Rules, Target, Thing, World, targets

moments = st.integers(0, 30)
rules = st.builds(Rules, keeps_failed=st.booleans())


@given(targets(), targets(), rules, st.data())
def test_a_settled_stack_gives_a_second_walk_nothing_to_do(
    first: Target, second: Target, rules: Rules, data: st.DataObject
) -> None:
    world = World(data, rules)
    world.settle(first)
    world.settle(second)
    world.settle({})

    assert not world.rows
    assert not world.things


@given(targets(), targets(), targets(), moments, rules, st.data())
def test_a_walk_can_be_superseded_anywhere(
    first: Target, second: Target, third: Target, cut: int, rules: Rules, data: st.DataObject
) -> None:
    world = World(data, rules)
    world.settle(first)
    world.walk(second, moments=cut)
    world.settle(third)
    world.settle({})


@given(targets(), targets(), rules, st.data())
def test_a_walk_that_fails_anywhere_rolls_back(
    first: Target, second: Target, rules: Rules, data: st.DataObject
) -> None:
    world = World(data, rules)
    world.settle(first)
    world.walk(second, may_fail=True)
    world.settle(first)


@given(targets(), targets(), moments, moments, rules, st.data())
def test_a_walk_goes_on_after_a_crash_anywhere(
    first: Target, second: Target, cut: int, again: int, rules: Rules, data: st.DataObject
) -> None:
    world = World(data, rules)
    world.walk(first, moments=cut, may_fail=True)
    world.walk(second, moments=again, may_fail=True)
    world.settle(second)


@given(st.lists(st.tuples(targets(), st.none() | moments, st.booleans()), max_size=5), rules, st.data())
def test_nothing_is_deleted_while_a_row_is_built_against_it(
    history: list[tuple[Target, int | None, bool]], rules: Rules, data: st.DataObject
) -> None:
    """The world asserts it at each deletion, here over the wildest histories: cuts and failures one after the other."""
    world = World(data, rules)
    for target, cut, may_fail in history:
        world.walk(target, moments=cut, may_fail=may_fail)
    world.settle({})

    assert not world.things


def test_the_world_notices_a_deletion_under_a_user() -> None:
    """The check above can fail."""
    world = World(data=None)
    world.things = {"used": Thing({}, set()), "user": Thing({}, {"used"})}
    born = datetime(2026, 1, 1, tzinfo=UTC)
    row = ResourceRecord("used", "s", "a", "T", "T", Action.CREATE, Status.COMPLETE, "", born)

    with pytest.raises(AssertionError, match="deleted under"):
        world.delete(row)
