from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.progress import Counts, Progress, Seen

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)


class Told:
    """A progress that is told events, one a second."""

    def __init__(self, expected: int | None = None) -> None:
        self.progress = Progress("root-id", "web", expected)
        self.count = 0

    def __call__(self, name: str, state: str, stack: str = "web", **more: str) -> Told:
        self.count += 1
        action, _, status = state.partition("_")
        stack_id = "root-id" if stack == "web" else f"{stack}-id"
        is_stack = name == stack
        seen = Seen(
            event_id=str(self.count),
            stack_id=stack_id,
            stack_name=stack,
            name=name,
            type="OS::Heat::Stack" if is_stack else "T",
            action=action,
            status=status,
            reason=more.get("reason", ""),
            physical_id=stack_id if is_stack else more.get("physical_id", ""),
            time=BEGIN + timedelta(seconds=self.count),
        )
        self.progress.take(seen, float(self.count))
        return self

    def tree(self) -> list[str]:
        rows = self.progress.rows()
        return [f"{'  ' * row.depth}{row.node.seen.name} {row.node.state}" for row in rows]


def test_the_last_event_of_a_resource_is_its_state() -> None:
    told = Told()("a", "CREATE_IN_PROGRESS")("b", "CREATE_IN_PROGRESS")("a", "CREATE_COMPLETE")

    assert told.tree() == ["a CREATE_COMPLETE", "b CREATE_IN_PROGRESS"]


def test_what_is_over_took_the_time_between_its_events_by_the_clock_of_the_engine() -> None:
    told = Told()("a", "CREATE_IN_PROGRESS")("b", "CREATE_IN_PROGRESS")("a", "CREATE_COMPLETE")
    first, second = (row.node for row in told.progress.rows())

    assert first.seconds(now=100.0) == 2.0
    assert second.seconds(now=100.0) == 98.0


def test_a_nested_stack_hangs_below_its_resource_by_its_name_at_first() -> None:
    told = Told()("a", "CREATE_IN_PROGRESS")("left", "CREATE_IN_PROGRESS")("b", "CREATE_IN_PROGRESS")
    told("inner", "CREATE_IN_PROGRESS", stack="web-left-abc")

    assert told.tree() == [
        "a CREATE_IN_PROGRESS",
        "left CREATE_IN_PROGRESS",
        "  inner CREATE_IN_PROGRESS",
        "b CREATE_IN_PROGRESS",
    ]


def test_a_nested_stack_hangs_below_the_resource_that_carries_its_id() -> None:
    told = Told()("left", "CREATE_IN_PROGRESS")("inner", "CREATE_COMPLETE", stack="odd")
    told("left", "CREATE_COMPLETE", physical_id="odd-id")

    assert told.tree() == ["left CREATE_COMPLETE", "  inner CREATE_COMPLETE"]


def test_a_resource_whose_name_begins_another_does_not_get_its_stack() -> None:
    told = Told()("a", "CREATE_IN_PROGRESS")("a-b", "CREATE_IN_PROGRESS")
    told("inner", "CREATE_IN_PROGRESS", stack="web-a-b-xyz")

    assert told.tree()[2] == "  inner CREATE_IN_PROGRESS"


def test_an_update_shows_what_it_deletes_beside_what_replaced_it() -> None:
    told = Told()("web", "UPDATE_IN_PROGRESS")("a", "CREATE_COMPLETE")("a", "DELETE_COMPLETE")("b", "DELETE_COMPLETE")
    rows = told.progress.rows()

    assert [(row.node.state, row.is_old) for row in rows] == [
        ("CREATE_COMPLETE", False),
        ("DELETE_COMPLETE", True),
        ("DELETE_COMPLETE", False),
    ]


def test_the_root_cause_is_the_first_failure_that_has_none_below_it() -> None:
    told = Told()("left", "CREATE_IN_PROGRESS")("inner", "CREATE_FAILED", stack="web-left-abc", reason="why")
    told("web-left-abc", "CREATE_FAILED", stack="web-left-abc")("left", "CREATE_FAILED")("b", "CREATE_FAILED")
    cause = told.progress.root_cause()

    assert cause is not None
    assert cause.reason == "why"
    assert [seen.name for seen in told.progress.path(cause)] == ["left", "inner"]


def test_a_rollback_does_not_make_the_cause_forgotten_and_counts_anew() -> None:
    told = Told(expected=2)("web", "CREATE_IN_PROGRESS")("a", "CREATE_COMPLETE")("b", "CREATE_FAILED", reason="why")
    told("web", "CREATE_FAILED")("web", "ROLLBACK_IN_PROGRESS")("b", "DELETE_COMPLETE")
    cause = told.progress.root_cause()

    assert cause is not None
    assert cause.reason == "why"
    assert told.progress.counts() == Counts(complete=1)
    assert told.progress.state == "ROLLBACK_IN_PROGRESS"


@pytest.mark.parametrize(
    ("expected", "total"),
    [pytest.param(5, 6, id="declared, and what nested stacks add"), pytest.param(None, None, id="not known")],
)
def test_counts_grow_with_nested_stacks(expected: int | None, total: int | None) -> None:
    told = Told(expected)("left", "CREATE_IN_PROGRESS")("b", "CREATE_COMPLETE")
    told("inner", "CREATE_FAILED", stack="web-left-abc")

    assert told.progress.counts() == Counts(active=1, failed=1, complete=1, total=total)


def test_five_thousand_resources_are_counted_and_laid_out_without_a_delay() -> None:
    told = Told(expected=5000)
    for number in range(500):
        told(f"group{number}", "CREATE_IN_PROGRESS")
        for inner in range(9):
            told(f"r{inner}", "CREATE_COMPLETE", stack=f"web-group{number}-abc")

    assert len(told.progress.rows()) == 5000
    assert told.progress.counts().ended == 4500
