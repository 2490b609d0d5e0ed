"""Steps of walks: what lands, what does not, and that what does not leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.model.ids import EngineId, TraversalId
from engine.model.records import EventRecord, Hook, Lock, Pending, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.store import events, locks, resources, stacks, walks
from engine.store.database import Database
from kit import databases, stored

OTHER = EngineId("engine-two")


def setup(database: Database, *names: str) -> tuple[StackRecord, Lock, list[ResourceRecord]]:
    """Return a stack that is walked, with one stored row for each name."""
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        rows = [stored.resource(stack, name) for name in names]
        landed = walks.apply(tx, [walks.Step(lock, stack.traversal, row) for row in rows])

    assert all(landed)
    return stack, lock, [replace(row, version=1) for row in rows]


def apply(database: Database, *steps: walks.Step) -> list[bool]:
    with database.write() as tx:
        return walks.apply(tx, steps)


def history(database: Database, stack: StackRecord) -> list[EventRecord]:
    with database.read() as tx:
        return sorted(events.page(tx, events.EventQuery(stack_id=stack.id)), key=lambda one: one.sequence)


def test_a_row_comes_back_as_it_was_written(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
    row = stored.resource(
        stack,
        reason="étrange \N{SNOWMAN}",
        updated_time=stored.at(1),
        physical_id="server-1",
        reference={"ref": 1},
        properties={"n": 2**70, "deep": [{"a": None, "b": [1.5, True]}], "text": "\x00\ud800"},
        pending=Pending({"n": 2}, frozenset({"r1", "r2"}), {"token": [1]}),
        requires=frozenset({"r0"}),
        data={"password": "s3cret"},
        attributes={"show": {"x": 1}},
        metadata={"m": ["\x00"]},
        deletion_policy="Retain",
        nested_stack_id=stored.new_id(),
        definition_id=stack.definition_id,
    )

    assert apply(database, stored.step(lock, row, stack)) == [True]
    assert stored.stored(database, stack) == [replace(row, version=1)]


@pytest.mark.parametrize("empty", ["", {}, [], 0, False])
def test_an_empty_reference_is_a_reference(database: Database, empty: object) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
    row = stored.resource(stack, reference=empty)
    apply(database, stored.step(lock, row, stack))

    found = stored.stored(database, stack)[0].reference

    assert found == empty
    assert found is not None


def test_a_pending_operation_without_properties_is_still_pending(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
    row = stored.resource(stack, pending=Pending({}, frozenset()))
    apply(database, stored.step(lock, row, stack))

    assert stored.stored(database, stack)[0].pending == Pending({}, frozenset())


def test_a_batch_inserts_updates_and_deletes(database: Database) -> None:
    stack, lock, (a, b) = setup(database, "a", "b")
    built = replace(a, status=Status.COMPLETE, physical_id="x")
    fresh = stored.resource(stack, "c")

    landed = apply(
        database,
        stored.step(lock, built, stack),
        stored.step(lock, b, stack, gone=True),
        stored.step(lock, fresh, stack),
    )

    assert landed == [True, True, True]
    by_name = {row.name: row for row in stored.stored(database, stack)}
    assert by_name == {"a": replace(built, version=2), "c": replace(fresh, version=1)}
    assert [(one.resource_name, one.sequence) for one in history(database, stack)] == [("a", 1), ("b", 2), ("c", 3)]


def test_steps_of_one_batch_may_build_on_each_other(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
    row = stored.resource(stack)
    second = replace(row, status=Status.COMPLETE, version=1)
    third = replace(row, action=Action.DELETE, version=2)

    assert apply(database, *(stored.step(lock, one, stack) for one in (row, second, third))) == [True] * 3
    assert stored.stored(database, stack) == [replace(third, version=3)]


def test_nothing_builds_on_a_row_that_went_in_the_same_batch(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")
    gone = stored.step(lock, row, stack, gone=True)
    late = stored.step(lock, replace(row, version=2), stack)

    assert apply(database, gone, late) == [True, False]
    assert stored.stored(database, stack) == []
    assert len(history(database, stack)) == 1


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(0, id="an insert of a row that exists"),
        pytest.param(2, id="a version that has not been"),
    ],
)
def test_a_step_on_another_version_loses_and_the_rest_of_its_batch_lands(database: Database, version: int) -> None:
    stack, lock, (a, b, c) = setup(database, "a", "b", "c")
    lost = replace(b, reason="lost", version=version)

    landed = apply(database, *(stored.step(lock, row, stack) for row in (a, lost, c)))

    assert landed == [True, False, True]
    by_name = {row.name: row for row in stored.stored(database, stack)}
    assert by_name == {"a": replace(a, version=2), "b": b, "c": replace(c, version=2)}
    assert [(one.resource_name, one.sequence) for one in history(database, stack)] == [("a", 1), ("c", 2)]


def test_a_step_on_a_row_that_is_gone_loses(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")
    apply(database, stored.step(lock, row, stack, gone=True))

    assert apply(database, stored.step(lock, row, stack)) == [False]
    assert stored.stored(database, stack) == []


def lose_lock(database: Database, stack: StackRecord, lock: Lock) -> None:
    with database.write() as tx:
        locks.steal(tx, stack.id, holder=lock.engine_id, by=OTHER)


def take_lock_again(database: Database, stack: StackRecord, lock: Lock) -> None:
    with database.write() as tx:
        locks.release(tx, lock)
        locks.acquire(tx, stack.id, lock.engine_id)


def free_lock(database: Database, _stack: StackRecord, lock: Lock) -> None:
    with database.write() as tx:
        locks.release(tx, lock)


def begin_newer_walk(database: Database, stack: StackRecord, _lock: Lock) -> None:
    with database.write() as tx:
        newer = replace(stack, action=Action.UPDATE, traversal=TraversalId("walk-two"))
        stacks.begin(tx, newer, expected=stack.traversal)


@pytest.mark.parametrize("overtake", [lose_lock, take_lock_again, free_lock, begin_newer_walk])
def test_a_step_behind_the_fence_changes_nothing_and_has_no_event(database: Database, overtake) -> None:  # type: ignore[no-untyped-def]
    stack, lock, (row,) = setup(database, "a")
    overtake(database, stack, lock)
    changed = replace(row, status=Status.COMPLETE)

    with database.write() as tx:
        landed = walks.apply(tx, [stored.step(lock, changed, stack)])

        assert tx.events == []
    assert landed == [False]
    assert stored.stored(database, stack) == [row]
    assert history(database, stack) == []


def test_an_outcome_is_recorded_whatever_walk_is_current(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")
    begin_newer_walk(database, stack, lock)

    assert apply(database, stored.step(lock, row, stack, traversal=None)) == [True]


def test_an_outcome_behind_the_fence_is_not_recorded(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")
    lose_lock(database, stack, lock)

    assert apply(database, stored.step(lock, row, stack, traversal=None)) == [False]


def test_events_of_each_stack_are_numbered_without_a_gap_and_positions_rise(database: Database) -> None:
    one, lock_one, rows_one = setup(database, "a", "b")
    two, lock_two, rows_two = setup(database, "c", "d")
    seen: list[Sequence[EventRecord]] = []

    for version in (1, 2, 3):
        with database.write() as tx:
            mixed = [
                stored.step(lock, replace(row, version=version), stack)
                for pair in zip(rows_one, rows_two, strict=True)
                for stack, lock, row in ((one, lock_one, pair[0]), (two, lock_two, pair[1]))
            ]
            mixed.append(stored.step(lock_one, rows_one[0], one))  # a loser in every batch

            assert walks.apply(tx, mixed) == [True] * 4 + [version == 1 and False]
            seen.append(tx.events)

    for stack in (one, two):
        written = history(database, stack)
        assert [event.sequence for event in written] == [1, 2, 3, 4, 5, 6]
        assert written == sorted(written, key=lambda event: event.position)
    assert {e.position for batch in seen for e in batch} == {
        e.position for stack in (one, two) for e in history(database, stack)
    }


def test_a_step_without_an_event_leaves_the_numbering_alone(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")

    assert apply(database, stored.step(lock, row, stack, event=None)) == [True]
    assert apply(database, stored.step(lock, replace(row, version=2), stack)) == [True]
    assert [event.sequence for event in history(database, stack)] == [1]


def test_a_batch_of_one_stack_is_a_known_number_of_statements(database: Database) -> None:
    stack, lock, rows = setup(database, *"abcdefgh")
    steps = [stored.step(lock, row, stack) for row in rows]

    with databases.statements(database) as seen:
        apply(database, *steps)

    # fence, versions, rows, events, positions, counter
    assert len(seen) == 6, "\n".join(seen)


def test_a_deleted_stack_takes_no_steps(database: Database) -> None:
    stack, lock, _ = setup(database, "a")
    deleted = replace(stack, action=Action.DELETE, status=Status.COMPLETE, deleted_time=stored.at(9))
    with database.write() as tx:
        stacks.finish(tx, lock, stacks.Ending(deleted, None, expected=stack.traversal, release=False))

    assert apply(database, stored.step(lock, stored.resource(stack), stack, traversal=None)) == [False]
    with database.read() as tx:
        assert resources.of_stack(tx, stack.id) == []


def test_a_row_is_amended_beside_the_walk_that_goes_on(database: Database) -> None:
    stack, lock, (row,) = setup(database, "a")
    hook = Hook("pre-create", stack.traversal, is_cleared=True)

    with database.write() as tx:
        landed = walks.amend(
            tx, replace(row, hook=hook), traversal=stack.traversal, event=stored.event(stack, "a", reason="cleared")
        )

        assert [event.reason for event in tx.events] == ["cleared"]
    assert landed
    (amended,) = stored.stored(database, stack)
    assert amended == replace(row, hook=hook, version=2)
    assert apply(database, stored.step(lock, amended, stack)) == [True]
    assert [event.sequence for event in history(database, stack)] == [1, 2]


@pytest.mark.parametrize("overtake", [begin_newer_walk, pytest.param(None, id="another version")])
def test_an_amendment_of_what_has_moved_on_changes_nothing(database: Database, overtake) -> None:  # type: ignore[no-untyped-def]
    stack, lock, (row,) = setup(database, "a")
    if overtake is not None:
        overtake(database, stack, lock)
    based_on = row if overtake is not None else replace(row, version=7)

    with database.write() as tx:
        landed = walks.amend(
            tx, replace(based_on, reason="lost"), traversal=stack.traversal, event=stored.event(stack, "a")
        )

        assert tx.events == []
    assert not landed
    assert stored.stored(database, stack) == [row]
    assert history(database, stack) == []
