"""What a reset makes of what is stored, on every database; what it means for an engine, tests/lifecycle says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId, TraversalId
from engine.model.records import EventRecord, Hook, Pending, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.runtime.logbook import Logbook
from engine.store import events, locks, migrate, resources, stacks, walks
from engine.store.database import Database
from engine.usecases import resets
from kit import databases, stored

LOGBOOK = Logbook(stored.new_id, lambda: stored.START)
UNDER_WAY: dict[str, Any] = {"status": Status.IN_PROGRESS, "pending": Pending({"n": 1}, frozenset(), token={"job": 7})}
BUILT: dict[str, Any] = {"status": Status.COMPLETE, "physical_id": "vm"}


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with databases.postgresql_database() as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return databases.sqlite(tmp_path)
    return databases.emptied(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    with databases.opened(url) as database:
        yield database


def walked(db: Database, *rows: dict[str, Any], **changes: Any) -> StackRecord:
    """Return a stack that an engine walks, with rows, each told by what is special about it."""
    with db.write() as tx:
        stack, lock = stored.walked(tx, **changes)
        records = [stored.resource(stack, **row) for row in rows]

        assert all(walks.apply(tx, [walks.Step(lock, stack.traversal, record) for record in records]))
    return stack


def within(owner: StackRecord) -> dict[str, Any]:
    return {"owner_id": owner.id, "root_id": owner.top_id, "nested_depth": owner.nested_depth + 1}


def shown(db: Database, stack: StackRecord) -> StackRecord:
    with db.read() as tx:
        found = stacks.get(tx, stack.id)

    assert found is not None
    return found


def rows_of(db: Database, stack: StackRecord) -> dict[str, ResourceRecord]:
    return {row.name: row for row in stored.stored(db, stack)}


def history(db: Database, stack: StackRecord) -> list[EventRecord]:
    with db.read() as tx:
        return events.after(tx, position=0, limit=100, root_id=stack.top_id)


def test_what_is_under_way_fails_and_what_is_built_stays(db: Database) -> None:
    stack = walked(db, {"name": "done", **BUILT}, {"name": "slow", "action": Action.UPDATE, **UNDER_WAY})
    before = rows_of(db, stack)

    (reset,) = resets.reset(db, stack.id, LOGBOOK)

    assert (str(reset.state), reset.reason) == ("CREATE_FAILED", "Stack status manually reset")
    assert reset == shown(db, stack)
    after = rows_of(db, stack)
    assert after["done"] == before["done"]
    assert (str(after["slow"].state), after["slow"].reason) == ("UPDATE_FAILED", "Stack status manually reset")
    assert after["slow"].pending == Pending({"n": 1}, frozenset())
    told = [(one.resource_name, f"{one.action}_{one.status}", one.reason) for one in history(db, stack)]
    assert told == [
        ("slow", "UPDATE_FAILED", "Stack status manually reset"),
        (stack.name, "CREATE_FAILED", "Stack status manually reset"),
    ]


def test_nothing_waits_at_a_hook_any_more(db: Database) -> None:
    hook = Hook("pre-create", stored.WALK)
    stack = walked(db, {"name": "gate", "action": Action.INIT, "status": Status.COMPLETE, "hook": hook})
    resets.reset(db, stack.id, LOGBOOK)

    gate = rows_of(db, stack)["gate"]
    assert (str(gate.state), gate.hook) == ("INIT_COMPLETE", None)
    assert [one.resource_name for one in history(db, stack)] == [stack.name]


def test_whoever_walked_writes_nothing_more(db: Database) -> None:
    stack = walked(db, {"name": "slow", **UNDER_WAY})
    with db.read() as tx:
        lock = locks.current(tx, stack.id)
    resets.reset(db, stack.id, LOGBOOK)
    after, told = rows_of(db, stack)["slow"], len(history(db, stack))

    assert lock is not None
    with db.write() as tx:
        late = walks.Step(lock, None, replace(after, status=Status.COMPLETE), event=stored.event(stack, "slow"))

        assert walks.apply(tx, [late]) == [False]
        assert not stacks.finish(
            tx, lock, stacks.Ending(stack, None, expected=shown(db, stack).traversal, release=True)
        )
        assert locks.holder(tx, stack.id) is None
    assert (rows_of(db, stack)["slow"], len(history(db, stack))) == (after, told)
    assert shown(db, stack).traversal not in {stack.traversal, TraversalId("")}


def test_a_whole_tree_is_reset_in_one_go(db: Database) -> None:
    root = walked(db, {"name": "box", **UNDER_WAY})
    child = walked(db, {"name": "bag", **UNDER_WAY}, **within(root))
    grandchild = walked(db, {"name": "coin", **UNDER_WAY}, **within(child))
    other = walked(db, {"name": "else", **UNDER_WAY})

    found = resets.reset(db, root.id, LOGBOOK)

    assert [stack.id for stack in found] == [root.id, child.id, grandchild.id]
    for stack in found:
        assert shown(db, stack).status is Status.FAILED
        assert {row.status for row in rows_of(db, stack).values()} == {Status.FAILED}
    assert shown(db, other) == other


def test_of_a_nested_stack_only_it_and_what_is_nested_in_it_is_reset(db: Database) -> None:
    root = walked(db, {"name": "box", **UNDER_WAY})
    beside = walked(db, {"name": "bowl", **UNDER_WAY}, **within(root))
    child = walked(db, {"name": "bag", **UNDER_WAY}, **within(root))
    grandchild = walked(db, {"name": "coin", **UNDER_WAY}, **within(child))

    found = resets.reset(db, child.id, LOGBOOK)

    assert [stack.id for stack in found] == [child.id, grandchild.id]
    assert (shown(db, root), shown(db, beside)) == (root, beside)
    with db.read() as tx:
        assert locks.holder(tx, root.id) == stored.ENGINE


def test_a_stack_with_nothing_under_way_keeps_its_state_and_loses_its_holder(db: Database) -> None:
    stack = walked(db, {"name": "done", **BUILT}, status=Status.COMPLETE, reason="fine")
    resets.reset(db, stack.id, LOGBOOK)

    assert (str(shown(db, stack).state), shown(db, stack).reason) == ("CREATE_COMPLETE", "fine")
    assert history(db, stack) == []
    with db.read() as tx:
        assert locks.holder(tx, stack.id) is None


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "never there"])
def test_what_is_not_there_is_not_found(db: Database, deleted: bool) -> None:
    stack_id = StackId("nowhere")
    if deleted:
        with db.write() as tx:
            stack_id = stored.inserted(tx, deleted_time=stored.at(1)).id

    with pytest.raises(EngineError) as missing:
        resets.reset(db, stack_id, LOGBOOK)

    assert missing.value.code is Code.STACK_NOT_FOUND


def test_without_the_key_of_the_rows_nothing_is_changed(db: Database, url: str) -> None:
    root = walked(db)
    stack = walked(db, {"name": "slow", **UNDER_WAY}, **within(root))

    with databases.opened(url, [b"quite another key of 32 bytes .."]) as other, pytest.raises(EngineError) as refused:
        resets.reset(other, root.id, LOGBOOK)

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY
    assert (shown(db, root), shown(db, stack)) == (root, stack)
    with db.read() as tx:
        assert resources.of_stack(tx, stack.id)[0].status is Status.IN_PROGRESS
        assert locks.holder(tx, root.id) == stored.ENGINE
