"""What a reset makes of what is stored, on every database; what it means for an engine, tests/lifecycle says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId, TraversalId
from engine.model.records import EventRecord, Hook, Lock, Pending, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.runtime.logbook import Logbook
from engine.store import events, locks, resources, stacks, walks
from engine.store.database import Database, retrying
from engine.usecases import resets
from kit import databases, stored

LOGBOOK = Logbook(stored.new_id, lambda: stored.START)
UNDER_WAY: dict[str, Any] = {"status": Status.IN_PROGRESS, "pending": Pending({"n": 1}, frozenset(), token={"job": 7})}
BUILT: dict[str, Any] = {"status": Status.COMPLETE, "physical_id": "vm"}


def walked(database: Database, *rows: dict[str, Any], **changes: Any) -> StackRecord:
    """Return a stack that an engine walks, with rows, each told by what is special about it."""
    with database.write() as tx:
        stack, lock = stored.walked(tx, **changes)
        records = [stored.resource(stack, **row) for row in rows]

        assert all(walks.apply(tx, [walks.Step(lock, stack.traversal, record) for record in records]))
    return stack


def within(owner: StackRecord) -> dict[str, Any]:
    return {"owner_id": owner.id, "root_id": owner.top_id, "nested_depth": owner.nested_depth + 1}


def shown(database: Database, stack: StackRecord) -> StackRecord:
    with database.read() as tx:
        found = stacks.get(tx, stack.id)

    assert found is not None
    return found


def rows_of(database: Database, stack: StackRecord) -> dict[str, ResourceRecord]:
    return {row.name: row for row in stored.stored(database, stack)}


def history(database: Database, stack: StackRecord) -> list[EventRecord]:
    with database.read() as tx:
        return events.after(tx, position=0, limit=10_000, root_id=stack.top_id)


def test_what_is_under_way_fails_and_what_is_built_stays(database: Database) -> None:
    stack = walked(database, {"name": "done", **BUILT}, {"name": "slow", "action": Action.UPDATE, **UNDER_WAY})
    before = rows_of(database, stack)

    (reset,) = resets.reset(database, stack.id, LOGBOOK)

    assert (str(reset.state), reset.reason) == ("CREATE_FAILED", "Stack status manually reset")
    assert reset == shown(database, stack)
    after = rows_of(database, stack)
    assert after["done"] == before["done"]
    assert (str(after["slow"].state), after["slow"].reason) == ("UPDATE_FAILED", "Stack status manually reset")
    assert after["slow"].pending == Pending({"n": 1}, frozenset())
    told = [(one.resource_name, f"{one.action}_{one.status}", one.reason) for one in history(database, stack)]
    assert told == [
        ("slow", "UPDATE_FAILED", "Stack status manually reset"),
        (stack.name, "CREATE_FAILED", "Stack status manually reset"),
    ]


def test_nothing_waits_at_a_hook_any_more(database: Database) -> None:
    hook = Hook("pre-create", stored.WALK)
    stack = walked(database, {"name": "gate", "action": Action.INIT, "status": Status.COMPLETE, "hook": hook})
    resets.reset(database, stack.id, LOGBOOK)

    gate = rows_of(database, stack)["gate"]
    assert (str(gate.state), gate.hook) == ("INIT_COMPLETE", None)
    assert [one.resource_name for one in history(database, stack)] == [stack.name]


def test_whoever_walked_writes_nothing_more(database: Database) -> None:
    stack = walked(database, {"name": "slow", **UNDER_WAY})
    with database.read() as tx:
        lock = locks.current(tx, stack.id)
    resets.reset(database, stack.id, LOGBOOK)
    after, told = rows_of(database, stack)["slow"], len(history(database, stack))

    assert lock is not None
    with database.write() as tx:
        late = walks.Step(lock, None, replace(after, status=Status.COMPLETE), event=stored.event(stack, "slow"))

        assert walks.apply(tx, [late]) == [False]
        assert not stacks.finish(
            tx, lock, stacks.Ending(stack, None, expected=shown(database, stack).traversal, release=True)
        )
        assert locks.holder(tx, stack.id) is None
    assert (rows_of(database, stack)["slow"], len(history(database, stack))) == (after, told)
    assert shown(database, stack).traversal not in {stack.traversal, TraversalId("")}


def test_a_reset_comes_between_two_writes_of_a_walk_that_goes_on_writing(database: Database) -> None:
    stack = walked(database, {"name": "slow", **UNDER_WAY})
    lock, row, has_written = Lock(stack.id, stored.ENGINE, 1), rows_of(database, stack)["slow"], threading.Event()

    def write_on() -> ResourceRecord:
        """Write the row until that is refused; return it as it was written last."""
        written = row
        while True:
            step = walks.Step(lock, stack.traversal, written, event=stored.event(stack, "slow"))
            if not retrying(database, lambda tx, step=step: walks.apply(tx, [step]))[0]:
                return written
            written = replace(written, version=written.version + 1)
            has_written.set()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write_on)
        has_written.wait()
        resets.reset(database, stack.id, LOGBOOK)
        last = writer.result()

    assert rows_of(database, stack)["slow"].version == last.version + 1
    told = history(database, stack)
    assert [one.sequence for one in told] == list(range(1, len(told) + 1))
    assert [(one.resource_name, one.reason) for one in told[-2:]] == [
        ("slow", resets.REASON),
        (stack.name, resets.REASON),
    ]


def test_a_whole_tree_is_reset_in_one_go(database: Database) -> None:
    root = walked(database, {"name": "box", **UNDER_WAY})
    child = walked(database, {"name": "bag", **UNDER_WAY}, **within(root))
    grandchild = walked(database, {"name": "coin", **UNDER_WAY}, **within(child))
    other = walked(database, {"name": "else", **UNDER_WAY})

    found = resets.reset(database, root.id, LOGBOOK)

    assert [stack.id for stack in found] == [root.id, child.id, grandchild.id]
    for stack in found:
        assert shown(database, stack).status is Status.FAILED
        assert {row.status for row in rows_of(database, stack).values()} == {Status.FAILED}
    assert shown(database, other) == other


def test_of_a_nested_stack_only_it_and_what_is_nested_in_it_is_reset(database: Database) -> None:
    root = walked(database, {"name": "box", **UNDER_WAY})
    beside = walked(database, {"name": "bowl", **UNDER_WAY}, **within(root))
    child = walked(database, {"name": "bag", **UNDER_WAY}, **within(root))
    grandchild = walked(database, {"name": "coin", **UNDER_WAY}, **within(child))

    found = resets.reset(database, child.id, LOGBOOK)

    assert [stack.id for stack in found] == [child.id, grandchild.id]
    assert (shown(database, root), shown(database, beside)) == (root, beside)
    with database.read() as tx:
        assert locks.holder(tx, root.id) == stored.ENGINE


def test_a_stack_with_nothing_under_way_keeps_its_state_and_loses_its_holder(database: Database) -> None:
    stack = walked(database, {"name": "done", **BUILT}, status=Status.COMPLETE, reason="fine")
    resets.reset(database, stack.id, LOGBOOK)

    assert (str(shown(database, stack).state), shown(database, stack).reason) == ("CREATE_COMPLETE", "fine")
    assert history(database, stack) == []
    with database.read() as tx:
        assert locks.holder(tx, stack.id) is None


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "never there"])
def test_what_is_not_there_is_not_found(database: Database, deleted: bool) -> None:
    stack_id = StackId("nowhere")
    if deleted:
        with database.write() as tx:
            stack_id = stored.inserted(tx, deleted_time=stored.at(1)).id

    with pytest.raises(EngineError) as missing:
        resets.reset(database, stack_id, LOGBOOK)

    assert missing.value.code is Code.STACK_NOT_FOUND


def test_without_the_key_of_the_rows_nothing_is_changed(database: Database, url: str) -> None:
    root = walked(database)
    stack = walked(database, {"name": "slow", **UNDER_WAY}, **within(root))

    with databases.opened(url, [b"quite another key of 32 bytes .."]) as other, pytest.raises(EngineError) as refused:
        resets.reset(other, root.id, LOGBOOK)

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY
    assert (shown(database, root), shown(database, stack)) == (root, stack)
    with database.read() as tx:
        assert resources.of_stack(tx, stack.id)[0].status is Status.IN_PROGRESS
        assert locks.holder(tx, root.id) == stored.ENGINE
