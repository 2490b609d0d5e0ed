"""A stack as a whole: what it tells of each action, and which failure is rolled back, to what (engine.md §2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from engine.model.ids import StackId, StackIdentity
from engine.model.states import Action
from engine.store import events
from engine.usecases.limits import Limits
from engine.usecases.stacks import ListStacks
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

SUSPEND, RESUME, CHECK, SNAPSHOT = Action.SUSPEND, Action.RESUME, Action.CHECK, Action.SNAPSHOT
OLD, NEW = hot({"it": {"value": "old"}}), hot({"it": {"value": "new"}})
BEGINS: Mapping[Action, Callable[[EngineRoom, StackIdentity], object]] = {
    UPDATE: lambda room, identity: room.update(identity, NEW),
    DELETE: lambda room, identity: room.delete(identity),
    SUSPEND: lambda room, identity: room.actions.suspend(ME, identity),
    RESUME: lambda room, identity: room.actions.resume(ME, identity),
    CHECK: lambda room, identity: room.actions.check(ME, identity),
    SNAPSHOT: lambda room, identity: room.snapshots.take(ME, identity),
}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, limits=Limits(enable_stack_abandon=True, enable_stack_adopt=True)) as room:
        yield room


def at_rest(room: EngineRoom, before: Action, **options: object) -> StackIdentity:
    """Return a stack on which this action may begin."""
    identity = room.create("s", OLD, **options)
    room.wait(identity)
    if before is RESUME:
        room.actions.suspend(ME, identity)
        room.wait(identity)
    return identity


def told(room: EngineRoom, identity: StackIdentity) -> list[str]:
    """Return the events of a stack and of what is in it, oldest first: of what, its state and why."""
    with room.db.read() as tx:
        found = events.after(tx, root_id=StackId(identity.stack_id), position=0, limit=1000)
    return [f"{one.resource_name} {one.action}_{one.status}: {one.reason}" for one in found]


@pytest.mark.parametrize("action", BEGINS)
def test_an_action_on_one_resource_tells_four_events(room: EngineRoom, action: Action) -> None:
    identity = at_rest(room, action)
    before = len(told(room, identity))
    BEGINS[action](room, identity)
    room.wait(identity)

    assert told(room, identity)[before:] == [
        f"s {action}_IN_PROGRESS: Stack {action} started",
        f"it {action}_IN_PROGRESS: state changed",
        f"it {action}_COMPLETE: state changed",
        f"s {action}_COMPLETE: Stack {action} completed successfully",
    ]


def test_an_adopt_of_one_resource_tells_four_events(room: EngineRoom) -> None:
    first = at_rest(room, UPDATE)
    data = json.dumps(room.exports.abandon(ME, first))
    room.wait(first)
    identity = room.create("s", "", adopt_stack_data=data)
    room.wait(identity)

    assert told(room, identity) == [
        "s ADOPT_IN_PROGRESS: Stack ADOPT started",
        "it ADOPT_IN_PROGRESS: state changed",
        "it ADOPT_COMPLETE: state changed",
        "s ADOPT_COMPLETE: Stack ADOPT completed successfully",
    ]


def test_a_restore_tells_that_it_has_begun_and_how_it_ended(room: EngineRoom) -> None:
    identity = at_rest(room, SNAPSHOT)
    snapshot = room.snapshots.take(ME, identity)
    room.wait(identity)
    before = len(told(room, identity))
    room.snapshots.restore(ME, identity, snapshot.id)
    room.wait(identity)

    assert told(room, identity)[before:] == [
        "s RESTORE_IN_PROGRESS: Stack RESTORE started",
        "it UPDATE_IN_PROGRESS: state changed",
        "it UPDATE_COMPLETE: state changed",
        "s RESTORE_COMPLETE: Stack RESTORE completed successfully",
    ]
    assert room.row(identity, "it").properties["value"] == "restored old"


@pytest.mark.parametrize("action", [DELETE, SUSPEND, RESUME, CHECK, SNAPSHOT])
def test_what_leads_to_nothing_new_is_not_rolled_back_when_it_fails(room: EngineRoom, action: Action) -> None:
    identity = at_rest(room, action, disable_rollback=False)
    before = len(told(room, identity))
    room.bench.fails.add((action, "it"))
    BEGINS[action](room, identity)
    stack = room.wait(identity)

    assert str(stack.state) == f"{action}_FAILED"
    assert told(room, identity)[before:] == [
        f"s {action}_IN_PROGRESS: Stack {action} started",
        f"it {action}_IN_PROGRESS: state changed",
        f"it {action}_FAILED: ResourceFailed: resources.it: it was told to fail",
        f"s {action}_FAILED: Resource {action} failed: ResourceFailed: resources.it: it was told to fail",
    ]
    assert room.bench.built == {room.row(identity, "it").id: "it"}


def test_a_bug_in_a_plugin_is_rolled_back_like_any_failure(room: EngineRoom) -> None:
    identity = room.create("s", OLD, disable_rollback=False)
    room.wait(identity)
    room.bench.breaks.add((UPDATE, "it"))
    room.update(identity, NEW)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert "s UPDATE_FAILED: Resource UPDATE failed: KeyError: resources.it: 'a bug in a plugin'" in told(
        room, identity
    )
    assert room.row(identity, "it").properties["value"] == "old"
    assert room.bench.built == {room.row(identity, "it").id: "it"}


def test_a_rollback_brings_back_the_definition_and_not_the_options_of_the_stack(room: EngineRoom) -> None:
    def asking(text: str, **more: Mapping[str, object]) -> str:
        box = {"box": {"_type": "box.yaml", "v": {"get_param": "p"}}, **more}
        return hot(box, parameters={"p": {"type": "string", "description": text}})

    def file(text: str) -> dict[str, str]:
        inner = {"leaf": {"value": {"list_join": ["-", [text, {"get_param": "v"}]]}}}
        return {"box.yaml": hot(inner, parameters={"v": {"type": "string"}})}

    options = {"tags": ["old"], "timeout_mins": 5, "disable_rollback": True}
    identity = room.create("s", asking("old"), files=file("old"), parameters={"p": "old"}, **options)
    first = room.wait(identity)
    room.bench.fails.add((CREATE, "bad"))
    options = {"tags": ["new"], "timeout_mins": 7, "disable_rollback": False}
    template = asking("new", bad={"_depends_on": "box"})
    room.update(identity, template, files=file("new"), parameters={"p": "new"}, **options)
    stack = room.wait(identity)
    (view,), _ = room.stacks.show(ME, identity, page=ListStacks())

    assert (str(stack.state), stack.definition_id) == ("ROLLBACK_COMPLETE", first.definition_id)
    assert view.parameters["p"] == "old"
    nested = room.row(identity, "box").nested_stack_id
    assert [row.properties["value"] for row in room.rows(str(nested))] == ["old-old"]
    assert (stack.tags, stack.timeout_mins, stack.disable_rollback) == (("new",), 7, False)


@pytest.mark.parametrize("again", [UPDATE, DELETE])
def test_a_create_that_was_rolled_back_leaves_an_empty_stack_to_be_updated_or_deleted(
    room: EngineRoom, again: Action
) -> None:
    room.bench.fails.add((CREATE, "it"))
    identity = room.create("s", OLD, disable_rollback=False)
    empty = room.wait(identity), room.rows(identity.stack_id)
    room.bench.fails.clear()
    BEGINS[again](room, identity)

    assert (str(empty[0].state), empty[0].reason) == ("ROLLBACK_COMPLETE", "Stack ROLLBACK completed successfully")
    assert empty[1] == []
    assert str(room.wait(identity).state) == f"{again}_COMPLETE"
    assert list(room.bench.built.values()) == (["it"] if again is UPDATE else [])


def test_a_failed_check_says_too_that_not_everything_could_be_checked(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {}, "text": {"_type": "OS::Heat::RandomString"}}))
    room.wait(identity)
    room.bench.fails.add((CHECK, "it"))
    room.actions.check(ME, identity)
    stack = room.wait(identity)

    assert (str(stack.state), stack.reason) == (
        "CHECK_FAILED",
        "Resource CHECK failed: ResourceFailed: resources.it: it was told to fail. "
        "'CHECK' not fully supported (see resources)",
    )
    assert str(room.row(identity, "text").state) == "CHECK_COMPLETE"


@pytest.mark.parametrize("action", [SUSPEND, RESUME])
def test_what_is_at_rest_already_is_left_alone(room: EngineRoom, action: Action) -> None:
    identity = at_rest(room, action)
    BEGINS[action](room, identity)
    before, calls = room.wait(identity), list(room.bench.calls)
    BEGINS[action](room, identity)

    assert room.stack(identity.stack_id) == before
    assert room.bench.calls == calls
    assert told(room, identity)[-1] == f"s {action}_COMPLETE: Stack {action} completed successfully"


def test_a_stack_that_was_resumed_is_updated_and_one_that_is_suspended_is_not(room: EngineRoom) -> None:
    identity = at_rest(room, RESUME)
    with pytest.raises(Exception, match="UPDATE of stack s is not possible when it is SUSPEND_COMPLETE"):
        room.update(identity, NEW)
    room.actions.resume(ME, identity)
    room.wait(identity)
    before = room.row(identity, "it").id
    room.update(identity, NEW)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (room.row(identity, "it").id, room.row(identity, "it").properties["value"]) == (before, "new")


def test_a_stack_that_is_suspended_can_be_deleted(room: EngineRoom) -> None:
    identity = at_rest(room, RESUME)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert (room.rows(identity.stack_id), room.bench.built) == ([], {})
