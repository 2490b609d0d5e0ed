"""An update is broken off: at once, in all that is nested too, and what was started is not lost (engine.md §2.6)."""

from __future__ import annotations

import pytest

from engine.model.ids import StackId, StackIdentity
from engine.store import locks
from kit.bench import CREATE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

INNER = hot(
    {"deep": {"value": {"get_param": "v"}}, "later": {"value": {"get_param": "v"}, "_depends_on": "deep"}},
    parameters={"v": {"type": "string"}},
)
FILES = {"inner.yaml": INNER}


def outer(value: str) -> str:
    return hot({"m": {"_type": "inner.yaml", "v": value}, "after": {"value": value, "_depends_on": "m"}})


@pytest.fixture
def updating(room: EngineRoom) -> StackIdentity:
    """Return a stack whose update waits for what is deep inside."""
    identity = room.create("s", outer("old"), files=FILES)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "deep"))
    room.update(identity, outer("new"), files=FILES)
    room.news.event("deep", "UPDATE_IN_PROGRESS")
    return identity


def inside(room: EngineRoom, identity: StackIdentity) -> StackIdentity:
    """Return the stack that is nested in another."""
    return room.stack(str(room.row(identity, "m").physical_id)).identity


def test_a_cancelled_update_has_failed_in_the_whole_tree_when_the_call_returns(
    room: EngineRoom, updating: StackIdentity
) -> None:
    room.actions.cancel_update(ME, updating, rollback=False)
    tree = [room.stack(one.stack_id) for one in (updating, inside(room, updating))]

    assert [str(stack.state) for stack in tree] == ["UPDATE_FAILED"] * 2
    assert [stack.reason for stack in tree] == ["Stack UPDATE cancelled"] * 2


def test_what_was_started_is_brought_to_its_end_and_nothing_else_is_started(
    room: EngineRoom, updating: StackIdentity
) -> None:
    room.actions.cancel_update(ME, updating, rollback=False)
    room.bench.waits.clear()
    room.news.event("deep", "UPDATE_COMPLETE")
    failed = room.news.event("m", "UPDATE_FAILED")
    nested = inside(room, updating)

    assert failed.reason == "ResourceFailed: resources.m: Stack UPDATE cancelled"
    assert room.row(nested, "deep").properties["value"] == "new"
    assert [room.row(*one).properties["value"] for one in ((nested, "later"), (updating, "after"))] == ["old", "old"]


def test_the_update_that_was_cancelled_can_be_asked_for_again(room: EngineRoom, updating: StackIdentity) -> None:
    room.actions.cancel_update(ME, updating, rollback=False)
    room.bench.waits.clear()
    room.news.event("m", "UPDATE_FAILED")
    room.update(updating, outer("new"), files=FILES)
    stack, nested = room.wait(updating), inside(room, updating)

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert [room.row(*one).properties["value"] for one in ((nested, "later"), (updating, "after"))] == ["new", "new"]
    with room.db.read() as tx:
        assert [locks.holder(tx, StackId(one.stack_id)) for one in (updating, nested)] == [None, None]


def test_another_update_may_follow_while_the_cancelled_one_is_brought_to_its_end(
    room: EngineRoom, updating: StackIdentity
) -> None:
    room.actions.cancel_update(ME, updating, rollback=False)
    room.update(updating, outer("newest"), files=FILES)
    room.bench.waits.clear()
    stack, nested = room.wait(updating), inside(room, updating)

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert {room.row(nested, name).properties["value"] for name in ("deep", "later")} == {"newest"}


def test_a_cancel_with_rollback_brings_the_whole_tree_back(room: EngineRoom, updating: StackIdentity) -> None:
    room.actions.cancel_update(ME, updating, rollback=True)
    room.bench.waits.clear()
    stack, nested = room.wait(updating), inside(room, updating)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert {room.row(nested, name).properties["value"] for name in ("deep", "later")} == {"old"}


def test_a_create_is_cancelled_where_it_stands_even_if_a_failure_is_rolled_back(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "one"))
    identity = room.create("s", hot({"one": {}, "two": {"_depends_on": "one"}}), disable_rollback=False)
    room.news.event("one", "CREATE_IN_PROGRESS")
    room.actions.cancel_update(ME, identity, rollback=False)
    room.bench.waits.clear()
    room.news.event("one", "CREATE_COMPLETE")
    stack = room.stack(identity.stack_id)

    assert (str(stack.state), stack.reason) == ("CREATE_FAILED", "Stack CREATE cancelled")
    assert [row.name for row in room.rows(identity.stack_id) if row.is_built] == ["one"]
