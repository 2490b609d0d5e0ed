from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.model import states
from engine.model.ids import ResourceId, StackId
from engine.model.records import ResourceRecord
from engine.model.states import Action, State, Status
from engine.plan import marking

CHECK_FAILED = State(Action.CHECK, Status.FAILED)
ENDED = [
    state
    for state in states.RESOURCE
    if state.status is not Status.IN_PROGRESS and state.action not in {Action.DELETE, Action.INIT}
]


def row(state: State, **changes: Any) -> ResourceRecord:
    return ResourceRecord(
        id=ResourceId("r"),
        stack_id=StackId("s"),
        name="disk",
        type="T",
        implementation="T",
        action=state.action,
        status=state.status,
        reason="",
        created_time=datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    )


@pytest.mark.parametrize("state", ENDED, ids=str)
def test_whatever_was_built_can_be_marked(state: State) -> None:
    marked = marking.marked(row(state), unhealthy=True, reason="the disk is full")

    assert (marked.state, marked.reason, marked.is_unhealthy) == (CHECK_FAILED, "the disk is full", True)


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.FAILED])
def test_what_is_deleted_stays_as_it_is(status: Status) -> None:
    going = row(State(Action.DELETE, status))

    assert marking.marked(going, unhealthy=True, reason="") is going


def test_a_mark_changes_nothing_but_the_state() -> None:
    before = row(State(Action.UPDATE, Status.COMPLETE), physical_id="vm", properties={"size": 1}, data={"key": "s"})

    marked = marking.marked(before, unhealthy=True, reason="why")

    state = {"action": Action.CHECK, "status": Status.FAILED, "reason": "why", "is_unhealthy": True}
    assert marked == replace(before, **state)


def test_the_mark_is_taken_away_from_what_failed_its_check() -> None:
    healthy = marking.marked(row(CHECK_FAILED, is_unhealthy=True), unhealthy=False, reason="")

    assert healthy.state == (Action.CHECK, Status.COMPLETE)
    assert (healthy.is_unhealthy, healthy.reason) == (False, marking.SAID)


@pytest.mark.parametrize("state", [state for state in states.RESOURCE if state != CHECK_FAILED], ids=str)
def test_there_is_no_mark_to_take_away_from_anything_else(state: State) -> None:
    before = row(state)

    assert marking.marked(before, unhealthy=False, reason="") is before


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(State(Action.INIT, Status.COMPLETE), id="never built"),
        pytest.param(State(Action.CREATE, Status.IN_PROGRESS), id="being created"),
        pytest.param(State(Action.UPDATE, Status.IN_PROGRESS), id="being updated"),
    ],
)
def test_what_has_no_result_yet_takes_no_mark(state: State) -> None:
    with pytest.raises(states.IllegalTransition):
        marking.marked(row(state), unhealthy=True, reason="")
