"""The tables of states: what they allow, what they refuse, and that a refusal changes nothing."""

from __future__ import annotations

import pytest

from engine.model import states
from engine.model.states import RESOURCE, STACK, Action, Began, Broke, Finished, IllegalTransition, State, Status


@pytest.mark.parametrize("table", [pytest.param(STACK, id="stack"), pytest.param(RESOURCE, id="resource")])
def test_every_state_that_can_be_reached_is_in_the_table(table: states.Table) -> None:
    reached = {state for events in table.values() for state in events.values()}

    assert reached <= set(table)


@pytest.mark.parametrize("table", [pytest.param(STACK, id="stack"), pytest.param(RESOURCE, id="resource")])
def test_what_is_in_progress_can_end_well_and_badly(table: states.Table) -> None:
    for state, events in table.items():
        if state.status is Status.IN_PROGRESS:
            assert events[Finished()] == State(state.action, Status.COMPLETE)
            assert events[Broke()] == State(state.action, Status.FAILED)
        else:
            assert Finished() not in events
            assert Broke() not in events


@pytest.mark.parametrize(
    ("action", "status"),
    [
        pytest.param(action, status, id=f"{action}-{status}")
        for action in (Action.SUSPEND, Action.DELETE)
        for status in Status
    ],
)
def test_a_suspended_or_deleted_stack_takes_no_update(action: Action, status: Status) -> None:
    with pytest.raises(IllegalTransition):
        states.advance(STACK, State(action, status), Began(Action.UPDATE))


@pytest.mark.parametrize("action", [a for a in Action if a not in (Action.INIT, Action.DELETE)])
@pytest.mark.parametrize("status", list(Status))
def test_a_stack_can_be_deleted_whatever_is_under_way(action: Action, status: Status) -> None:
    after = states.advance(STACK, State(action, status), Began(Action.DELETE))

    assert after == State(Action.DELETE, Status.IN_PROGRESS)


def test_nothing_follows_a_deleted_stack() -> None:
    assert STACK[State(Action.DELETE, Status.COMPLETE)] == {}


def test_an_update_supersedes_what_is_under_way_and_a_check_does_not() -> None:
    running = State(Action.CREATE, Status.IN_PROGRESS)

    assert states.advance(STACK, running, Began(Action.UPDATE)) == State(Action.UPDATE, Status.IN_PROGRESS)
    with pytest.raises(IllegalTransition):
        states.advance(STACK, running, Began(Action.CHECK))


def test_what_failed_to_be_deleted_can_be_deleted_again() -> None:
    after = states.advance(STACK, State(Action.DELETE, Status.FAILED), Began(Action.DELETE))

    assert after == State(Action.DELETE, Status.IN_PROGRESS)
