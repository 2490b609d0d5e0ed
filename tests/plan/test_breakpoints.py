from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.model.ids import ResourceId, StackId, TraversalId
from engine.model.records import Hook, ResourceRecord
from engine.model.states import Action, Status
from engine.plan import breakpoints

WALK = TraversalId("walk")


def row(hook: Hook | None) -> ResourceRecord:
    return ResourceRecord(
        id=ResourceId("r"),
        stack_id=StackId("s"),
        name="gate",
        type="T",
        implementation="T",
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        created_time=datetime(2026, 1, 1, tzinfo=UTC),
        hook=hook,
    )


@pytest.mark.parametrize(
    ("hook", "point"),
    [
        pytest.param(None, "", id="none was reached"),
        pytest.param(Hook("pre-create", WALK), "pre-create", id="one was reached"),
        pytest.param(Hook("pre-create", WALK, is_cleared=True), "", id="it was cleared"),
        pytest.param(Hook("pre-create", TraversalId("an earlier walk")), "", id="another walk reached it"),
    ],
)
def test_a_row_waits_at_the_hook_that_this_walk_has_reached(hook: Hook | None, point: str) -> None:
    assert breakpoints.waiting_at(row(hook), WALK) == point


def test_a_row_that_was_let_go_on_waits_no_more_and_remembers_where_it_was() -> None:
    cleared = breakpoints.cleared(row(Hook("post-update", WALK)))

    assert breakpoints.waiting_at(cleared, WALK) == ""
    assert cleared.hook == Hook("post-update", WALK, is_cleared=True)


def test_there_is_nothing_to_clear_where_no_hook_was_reached() -> None:
    free = row(None)

    assert breakpoints.cleared(free) is free
