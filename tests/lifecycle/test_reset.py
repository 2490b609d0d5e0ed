"""An operator takes a stack away from the engine that walks it, and the stack is as good as any that has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.model.ids import StackId, StackIdentity
from engine.model.states import Status
from engine.store import stacks
from engine.usecases import resets
from kit import databases
from kit.bench import CREATE, UPDATE
from kit.engine_room import EngineRoom, hot

Reset = Callable[[str], None]
TWO = {"first": {}, "second": {"_depends_on": "first"}}


@pytest.fixture
def reset(room: EngineRoom) -> Iterator[Reset]:
    """Reset a stack as `isotherm db reset-stack` does: from beside the engine, over the database."""
    with databases.opened(room.url) as beside:

        def by_hand(stack_id: str) -> None:
            resets.reset(beside, StackId(stack_id), room.machinery.logbook)

        yield by_hand


def left(room: EngineRoom, identity: StackIdentity) -> None:
    """Return when the engine has nothing more to do for the stack."""
    room.machinery.groups.stop(StackId(identity.stack_id), graceful=True)


def test_an_engine_whose_stack_was_reset_writes_nothing_more(room: EngineRoom, reset: Reset) -> None:
    room.bench.hangs.add((CREATE, "first"))
    identity = room.create("s", hot(TWO))
    room.bench.until_called(CREATE, "first")
    reset(identity.stack_id)
    stack, rows, history = room.stack(identity.stack_id), room.rows(identity.stack_id), room.history(identity)
    room.bench.let_go()
    left(room, identity)

    assert (str(stack.state), stack.reason) == ("CREATE_FAILED", resets.REASON)
    assert [(row.name, str(row.state)) for row in rows] == [("first", "CREATE_FAILED")]
    assert room.stack(identity.stack_id) == stack
    assert room.rows(identity.stack_id) == rows
    assert room.history(identity) == history
    assert room.bench.count(CREATE, "second") == 0


def test_an_engine_that_waits_for_a_provider_lets_go_of_a_stack_that_was_reset(room: EngineRoom, reset: Reset) -> None:
    room.bench.waits.add((CREATE, "first"))
    identity = room.create("s", hot(TWO))
    room.bench.until_called(CREATE, "first", times=2)
    reset(identity.stack_id)
    rows = room.rows(identity.stack_id)
    left(room, identity)

    assert room.rows(identity.stack_id) == rows
    assert room.machinery.recovery.sweep() == 0


def test_a_stack_that_was_reset_is_brought_to_its_end_by_an_update(room: EngineRoom, reset: Reset) -> None:
    room.bench.hangs.add((CREATE, "first"))
    identity = room.create("s", hot(TWO))
    room.bench.until_called(CREATE, "first")
    reset(identity.stack_id)
    room.bench.hangs.clear()
    room.update(identity, hot(TWO))
    stack = room.wait(identity)
    rows = room.rows(identity.stack_id)
    room.bench.let_go()

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert {(row.name, row.status) for row in rows} == {("first", Status.COMPLETE), ("second", Status.COMPLETE)}
    assert room.rows(identity.stack_id) == rows


def test_a_stack_that_was_reset_can_be_deleted(room: EngineRoom, reset: Reset) -> None:
    identity = room.create("s", hot(TWO))
    room.wait(identity)
    room.bench.hangs.add((UPDATE, "first"))
    room.update(identity, hot({"first": {"value": "new"}, "second": {"_depends_on": "first"}}))
    room.bench.until_called(UPDATE, "first")
    reset(identity.stack_id)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_a_tree_that_was_reset_can_be_deleted_with_all_that_is_nested_in_it(room: EngineRoom, reset: Reset) -> None:
    room.bench.waits.add((CREATE, "x"))
    identity = room.create("outer", hot({"m": {"_type": "inner.yaml"}}), files={"inner.yaml": hot({"x": {}})})
    room.bench.until_called(CREATE, "x", times=2)
    reset(identity.stack_id)
    with room.db.read() as tx:
        (inner,) = stacks.children(tx, StackId(identity.stack_id))
    room.bench.waits.clear()
    room.delete(identity)

    assert (str(inner.state), inner.reason) == ("CREATE_FAILED", resets.REASON)
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert str(room.stack(inner.id).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}
