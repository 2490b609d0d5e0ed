"""Snapshots: found newest first, and changed only by who may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from engine.model.errors import EngineError
from engine.model.ids import SnapshotId
from engine.model.records import SnapshotRecord, StackRecord
from engine.model.states import Action, Status
from engine.store import snapshots
from engine.store.database import Database, Tx, retrying
from kit import databases, stored

DATA = {"name": "s", "resources": {"a": {"resource_data": {"n": 2**60, "text": "ünïcode \x00"}}}}


def snapshot(stack: StackRecord, **changes: Any) -> SnapshotRecord:
    known: dict[str, Any] = {
        "id": SnapshotId(stored.new_id()),
        "stack_id": stack.id,
        "name": "nightly",
        "project": stack.project,
        "action": Action.CREATE,
        "status": Status.IN_PROGRESS,
        "reason": "Stack SNAPSHOT started",
        "created_time": stored.START,
    }
    return SnapshotRecord(**{**known, **changes})


def inserted(tx: Tx, stack: StackRecord | None = None, **changes: Any) -> SnapshotRecord:
    record = snapshot(stack or stored.inserted(tx), **changes)
    snapshots.insert(tx, record)
    return record


def test_a_snapshot_comes_back_as_it_was_inserted(database: Database) -> None:
    with database.write() as tx:
        bare = inserted(tx, name="")
        full = inserted(tx, status=Status.COMPLETE, data=DATA)

        assert snapshots.get(tx, bare.id) == bare
        assert snapshots.get(tx, full.id) == full
        assert snapshots.get(tx, SnapshotId("unknown")) is None


def test_the_snapshots_of_a_stack_come_newest_first(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        first, third, second = (inserted(tx, stack, created_time=stored.at(n)) for n in (1, 3, 2))
        inserted(tx)

        assert snapshots.of_stack(tx, stack.id) == [third, second, first]
        assert snapshots.count(tx, stack.id) == 3


def test_pages_follow_each_other_also_where_times_are_equal(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        all_ = sorted((inserted(tx, stack) for _ in range(5)), key=lambda one: one.id, reverse=True)

        pages = [snapshots.of_stack(tx, stack.id, limit=2)]
        while pages[-1]:
            pages.append(snapshots.of_stack(tx, stack.id, limit=2, marker=pages[-1][-1].id))
        assert [one for page in pages for one in page] == all_
        assert [len(page) for page in pages] == [2, 2, 1, 0]
        assert snapshots.of_stack(tx, stack.id, limit=0) == []
        assert snapshots.of_stack(tx, stack.id, marker="unknown") == all_


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.FAILED])
def test_one_that_is_being_taken_is_completed_once(database: Database, status: Status) -> None:
    with database.write() as tx:
        taken = inserted(tx)

        assert snapshots.complete(tx, taken.id, status=status, reason="why", data=DATA)
        assert snapshots.get(tx, taken.id) == replace(taken, status=status, reason="why", data=DATA)
        assert not snapshots.complete(tx, taken.id, status=Status.FAILED, reason="late", data=None)
        assert snapshots.get(tx, taken.id) == replace(taken, status=status, reason="why", data=DATA)


def test_one_that_is_being_taken_is_not_removed(database: Database) -> None:
    with database.write() as tx:
        taken = inserted(tx)

        assert not snapshots.begin_delete(tx, taken.id)
        assert snapshots.get(tx, taken.id) == taken


@pytest.mark.parametrize(
    ("action", "status"),
    [
        pytest.param(Action.CREATE, Status.COMPLETE, id="taken"),
        pytest.param(Action.CREATE, Status.FAILED, id="could not be taken"),
        pytest.param(Action.DELETE, Status.FAILED, id="could not be removed"),
    ],
)
def test_one_at_rest_begins_to_be_removed_and_keeps_its_data(
    database: Database, action: Action, status: Status
) -> None:
    with database.write() as tx:
        kept = inserted(tx, action=action, status=status, data=DATA)

        assert snapshots.begin_delete(tx, kept.id)
        (found,) = snapshots.unfinished_deletes(tx)
        assert (found.id, found.action, found.status, found.data) == (kept.id, Action.DELETE, Status.IN_PROGRESS, DATA)
        assert not snapshots.begin_delete(tx, kept.id)
        assert not snapshots.complete(tx, kept.id, status=Status.COMPLETE, reason="late", data=None)


def test_a_removal_that_failed_says_why_and_is_not_under_way_any_more(database: Database) -> None:
    with database.write() as tx:
        kept = inserted(tx, status=Status.COMPLETE, data=DATA)

        assert not snapshots.fail_delete(tx, kept.id, "too early")
        snapshots.begin_delete(tx, kept.id)
        assert snapshots.fail_delete(tx, kept.id, "no such disk")
        found = snapshots.get(tx, kept.id)
        assert found == replace(kept, action=Action.DELETE, status=Status.FAILED, reason="no such disk")
        assert snapshots.unfinished_deletes(tx) == []


def test_a_row_is_deleted_once(database: Database) -> None:
    with database.write() as tx:
        kept = inserted(tx)

        assert snapshots.delete(tx, kept.id)
        assert not snapshots.delete(tx, kept.id)
        assert not snapshots.fail_delete(tx, kept.id, "late")
        assert snapshots.get(tx, kept.id) is None


def test_of_many_that_begin_to_remove_one_together_one_wins(database: Database) -> None:
    with database.write() as tx:
        kept = inserted(tx, status=Status.COMPLETE)

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(retrying, database, lambda tx: snapshots.begin_delete(tx, kept.id)) for _ in range(4)]

    assert sorted(one.result() for one in work) == [False, False, False, True]


def test_the_data_are_sealed_and_belong_to_their_row(database: Database) -> None:
    with database.write() as tx:
        one, two = inserted(tx, data={"password": "sesame"}), inserted(tx)
        sealed = tx.connection.exec_driver_sql(f"SELECT data FROM snapshot WHERE id = '{one.id}'").scalar_one()
        tx.connection.exec_driver_sql(
            f"UPDATE snapshot SET data = (SELECT data FROM snapshot WHERE id = '{one.id}') WHERE id = '{two.id}'"
        )

        assert b"sesame" not in bytes(sealed)
        with pytest.raises(EngineError, match="belongs elsewhere"):
            snapshots.get(tx, two.id)


def test_a_page_takes_one_statement_and_with_a_marker_two(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        first, *_ = [inserted(tx, stack) for _ in range(3)]

    with databases.statements(database) as seen, database.read() as tx:
        snapshots.of_stack(tx, stack.id)
        snapshots.of_stack(tx, stack.id, marker=first.id, limit=1)

    assert len(seen) == 3
