"""How a walk ends: the states that its stack goes through, and what it remembers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.model.ids import DefinitionId, ResourceId, StackId, TraversalId
from engine.model.records import StackRecord
from engine.model.states import Action, Status
from engine.plan import ending
from engine.plan.ending import TIMED_OUT, Ending, Failure, Stopped
from engine.plan.visits import Clean, Converge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BROKE = Failure(Converge("a"), "ResourceFailed: resources.a: no")
DIRTY = Failure(Clean(ResourceId("r")), "ResourceFailed: resources.old: stuck")


def stack(action: Action, *, rolls_back: bool = False, complete: str | None = "good") -> StackRecord:
    return StackRecord(
        id=StackId("s"),
        name="s",
        project="p",
        action=action,
        status=Status.IN_PROGRESS,
        reason="",
        definition_id=DefinitionId("tried"),
        complete_definition_id=DefinitionId(complete) if complete else None,
        created_time=NOW,
        traversal=TraversalId("this"),
        disable_rollback=not rolls_back,
    )


def ended(stack_: StackRecord, *failures: Failure, stopped: Stopped | None = None) -> Ending:
    if stopped is not None:
        traversals = [TraversalId("nothing"), TraversalId("next")]
        return ending.broken_off(stack_, stopped, next_traversals=traversals, now=NOW)
    return ending.ending(stack_, failures, next_traversal=TraversalId("next"), now=NOW)


def shown(end: Ending) -> list[tuple[str, str]]:
    return [(str(one.state), one.reason) for one in end.states]


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.RESTORE])
def test_a_walk_without_failure_is_complete_and_its_target_is_remembered(action: Action) -> None:
    end = ended(stack(action))

    assert shown(end) == [(f"{action}_COMPLETE", f"Stack {action} completed successfully")]
    assert (end.last.complete_definition_id, end.walks_on) == ("tried", False)


def test_a_failure_is_the_reason_of_the_stack() -> None:
    assert shown(ended(stack(Action.CREATE), BROKE)) == [
        ("CREATE_FAILED", "Resource CREATE failed: ResourceFailed: resources.a: no")
    ]


def test_the_first_failure_is_told_as_the_cause() -> None:
    other = Failure(Converge("b"), "ResourceFailed: resources.b: nor this")

    assert "resources.a" in ended(stack(Action.UPDATE), BROKE, other).last.reason


@pytest.mark.parametrize("action", [Action.CREATE, Action.ADOPT, Action.UPDATE, Action.RESTORE])
def test_a_failure_begins_a_rollback_where_the_stack_says_so(action: Action) -> None:
    end = ended(stack(action, rolls_back=True), BROKE)

    assert [str(one.state) for one in end.states] == [f"{action}_FAILED", "ROLLBACK_IN_PROGRESS"]
    assert end.walks_on
    assert end.last.traversal == "next"
    assert end.last.target_id == "good", "the last complete one, not the one that was tried"


def test_the_rollback_of_a_create_leads_to_nothing() -> None:
    assert ended(stack(Action.CREATE, rolls_back=True, complete=None), BROKE).last.target_id is None


@pytest.mark.parametrize("action", [Action.DELETE, Action.ROLLBACK, Action.SUSPEND, Action.CHECK])
def test_some_actions_are_never_rolled_back(action: Action) -> None:
    assert [str(one.state) for one in ended(stack(action, rolls_back=True), BROKE).states] == [f"{action}_FAILED"]


def test_a_clean_up_that_failed_does_not_undo_a_good_update_and_is_told() -> None:
    end = ended(stack(Action.UPDATE, rolls_back=True), DIRTY)

    assert shown(end) == [
        (
            "UPDATE_COMPLETE",
            "Stack UPDATE completed successfully; could not be cleaned away, the next update tries again: "
            "ResourceFailed: resources.old: stuck",
        )
    ]
    assert end.last.complete_definition_id == "tried"


def test_a_clean_up_that_failed_fails_a_delete() -> None:
    end = ended(stack(Action.DELETE), DIRTY)

    assert shown(end) == [("DELETE_FAILED", "Resource DELETE failed: ResourceFailed: resources.old: stuck")]
    assert end.last.deleted_time is None


def test_a_delete_that_went_well_marks_the_stack_as_deleted() -> None:
    assert ended(stack(Action.DELETE)).last.deleted_time == NOW


@pytest.mark.parametrize(("complete", "definition"), [("good", "good"), (None, "tried")])
def test_after_a_rollback_the_stack_is_what_it_went_back_to(complete: str | None, definition: str) -> None:
    assert ended(stack(Action.ROLLBACK, complete=complete)).last.definition_id == definition


@pytest.mark.parametrize(
    ("rolls_back", "says", "states"),
    [
        pytest.param(False, None, ["UPDATE_FAILED"], id="as the stack says: no"),
        pytest.param(True, None, ["UPDATE_FAILED", "ROLLBACK_IN_PROGRESS"], id="as the stack says: yes"),
        pytest.param(True, False, ["UPDATE_FAILED"], id="told not to"),
        pytest.param(False, True, ["UPDATE_FAILED", "ROLLBACK_IN_PROGRESS"], id="told to"),
    ],
)
def test_a_walk_that_was_stopped_fails_with_the_reason_of_the_stop(
    rolls_back: bool, says: bool | None, states: list[str]
) -> None:
    end = ended(stack(Action.UPDATE, rolls_back=rolls_back), BROKE, stopped=Stopped(TIMED_OUT, says))

    assert [str(one.state) for one in end.states] == states
    assert end.states[0].reason == "Timed out"
