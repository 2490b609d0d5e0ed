"""Suspend, resume and check: what becomes of the stack, of its resources and of what is nested in it."""

from __future__ import annotations

import pytest

from engine.model.states import Action
from kit.bench import CREATE
from kit.engine_room import EngineRoom, hot

SUSPEND, RESUME, CHECK = Action.SUSPEND, Action.RESUME, Action.CHECK
INNER = hot({"deep": {}, "user": {"_depends_on": "deep"}})
CHAIN = hot({"a": {}, "b": {"_depends_on": "a"}, "c": {"_depends_on": "b"}})


def states(room: EngineRoom, stack_id: str) -> dict[str, str]:
    return {row.name: str(row.state) for row in room.rows(stack_id)}


def order(room: EngineRoom, action: Action) -> list[str]:
    return [name for called, name in room.bench.calls if called is action]


def test_a_stack_is_suspended_backwards_and_resumed_forwards(room: EngineRoom) -> None:
    identity = room.create("s", CHAIN)
    room.wait(identity)
    room.begin(identity, SUSPEND)

    assert str(room.wait(identity).state) == "SUSPEND_COMPLETE"
    assert states(room, identity.stack_id) == dict.fromkeys("abc", "SUSPEND_COMPLETE")

    room.begin(identity, RESUME)

    assert str(room.wait(identity).state) == "RESUME_COMPLETE"
    assert order(room, SUSPEND) == ["c", "b", "a"]
    assert order(room, RESUME) == ["a", "b", "c"]


def test_a_tree_is_suspended_resumed_and_checked_with_its_nested_stacks(room: EngineRoom) -> None:
    outer = hot({"in": {"_type": "inner.yaml"}, "out": {"_depends_on": "in"}})
    identity = room.create("s", outer, files={"inner.yaml": INNER})
    room.wait(identity)
    (inside,) = [row.nested_stack_id for row in room.rows(identity.stack_id) if row.name == "in"]
    assert inside is not None
    for action, complete in ((SUSPEND, "SUSPEND_COMPLETE"), (RESUME, "RESUME_COMPLETE"), (CHECK, "CHECK_COMPLETE")):
        room.begin(identity, action)

        assert str(room.wait(identity).state) == complete
        assert str(room.stack(inside).state) == complete
        assert set(states(room, inside).values()) == {complete}
    assert order(room, SUSPEND) == ["out", "user", "deep"]


def test_a_resource_that_fails_to_suspend_fails_the_stack_and_can_be_suspended_again(room: EngineRoom) -> None:
    identity = room.create("s", CHAIN)
    room.wait(identity)
    room.bench.fails.add((SUSPEND, "b"))
    room.begin(identity, SUSPEND)
    failed = room.wait(identity)

    assert str(failed.state) == "SUSPEND_FAILED"
    assert failed.reason == "Resource SUSPEND failed: ResourceFailed: resources.b: b was told to fail"
    assert states(room, failed.id) == {"a": "CREATE_COMPLETE", "b": "SUSPEND_FAILED", "c": "SUSPEND_COMPLETE"}

    room.bench.fails.clear()
    room.begin(identity, SUSPEND)

    assert str(room.wait(identity).state) == "SUSPEND_COMPLETE"


def test_what_was_never_suspended_can_not_be_resumed(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}))
    room.wait(identity)
    room.begin(identity, RESUME)
    failed = room.wait(identity)

    assert str(failed.state) == "RESUME_FAILED"
    assert "resources.a: State CREATE_COMPLETE invalid for resume" in failed.reason
    assert states(room, failed.id) == {"a": "CREATE_COMPLETE"}


def test_a_check_looks_at_everything_and_tells_all_that_is_wrong(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}, "b": {}, "c": {"_depends_on": "a"}, "d": {}}))
    room.wait(identity)
    room.bench.fails |= {(CHECK, "a"), (CHECK, "b")}
    room.begin(identity, CHECK)
    failed = room.wait(identity)

    assert str(failed.state) == "CHECK_FAILED"
    assert "resources.a: a was told to fail" in failed.reason
    assert "resources.b: b was told to fail" in failed.reason
    assert states(room, failed.id) == {
        "a": "CHECK_FAILED",
        "b": "CHECK_FAILED",
        "c": "CREATE_COMPLETE",
        "d": "CHECK_COMPLETE",
    }


def test_what_failed_its_check_is_replaced_by_the_next_update(room: EngineRoom) -> None:
    template = hot({"a": {"value": "1"}, "b": {}})
    identity = room.create("s", template)
    room.wait(identity)
    before = {row.name: row.id for row in room.rows(identity.stack_id)}
    room.bench.fails.add((CHECK, "a"))
    room.begin(identity, CHECK)
    room.wait(identity)
    room.update(identity, template)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").id != before["a"]
    assert room.row(identity, "b").id == before["b"]
    assert set(room.bench.built) == {row.id for row in room.rows(identity.stack_id)}


def test_what_failed_its_check_deep_inside_is_replaced_there_and_nowhere_else(room: EngineRoom) -> None:
    outer = hot({"in": {"_type": "inner.yaml"}})
    identity = room.create("s", outer, files={"inner.yaml": INNER})
    room.wait(identity)
    nested = room.row(identity, "in")
    assert nested.nested_stack_id is not None
    before = {row.name: row.id for row in room.rows(nested.nested_stack_id)}
    room.bench.fails.add((CHECK, "deep"))
    room.begin(identity, CHECK)

    assert "resources.in.resources.deep: deep was told to fail" in room.wait(identity).reason

    room.update(identity, outer, files={"inner.yaml": INNER})

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "in").id == nested.id
    after = {row.name: row.id for row in room.rows(nested.nested_stack_id)}
    assert after["deep"] != before["deep"]
    assert after["user"] == before["user"]


def test_a_type_without_a_check_counts_as_checked_and_the_stack_says_so(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"_type": "OS::Heat::RandomString"}}))
    room.wait(identity)
    room.begin(identity, CHECK)
    stack = room.wait(identity)

    assert str(stack.state) == "CHECK_COMPLETE"
    assert stack.reason == "Stack CHECK completed successfully. 'CHECK' not fully supported (see resources)"
    assert room.row(identity, "a").reason == "CHECK not supported for OS::Heat::RandomString"


def test_what_is_declared_and_was_never_built_fails_a_check(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    room.wait(identity)
    room.begin(identity, CHECK)
    stack = room.wait(identity)

    assert str(stack.state) == "CHECK_FAILED"
    assert "resources.b: it is not created yet" in stack.reason


@pytest.mark.parametrize("action", [SUSPEND, CHECK])
def test_a_walk_that_was_cut_short_goes_on_after_a_restart(room: EngineRoom, action: Action) -> None:
    identity = room.create("s", CHAIN)
    room.wait(identity)
    room.bench.waits.add((action, "b"))
    room.begin(identity, action)
    room.bench.until_called(action, "b", times=2)
    room.bench.waits.clear()
    room.restart()

    assert str(room.wait(identity).state) == f"{action}_COMPLETE"
    assert set(states(room, identity.stack_id).values()) == {f"{action}_COMPLETE"}


def test_an_update_takes_over_from_a_check_that_is_waiting(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.waits.add((CHECK, "a"))
    room.begin(identity, CHECK)
    room.bench.until_called(CHECK, "a", times=2)
    room.update(identity, hot({"a": {"value": "2"}}))
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "2"
    assert set(room.bench.creations.values()) == {1}
