"""A stack is given away with its things as they are, and another one takes them over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.states import Action
from engine.plan.export import Payload
from engine.plugin import Context, Outcome, ResourceFailed
from engine.usecases.commands import CreateStack, Given, Options
from engine.usecases.limits import Limits
from kit.bench import CREATE, DELETE, UPDATE, Thing
from kit.engine_room import ME, EngineRoom, hot

INNER = {"inner.yaml": hot({"x": {"value": {"get_param": "n"}}}, parameters={"n": {"type": "string"}})}
OUTER = hot(
    {"a": {"value": {"get_param": "v"}}, "box": {"_type": "inner.yaml", "n": {"get_resource": "a"}}},
    parameters={"v": {"type": "string", "default": "default"}},
    outputs={"a": {"value": {"get_attr": ["a", "value"]}}},
)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, limits=Limits(enable_stack_abandon=True, enable_stack_adopt=True)) as room:
        yield room


def created(room: EngineRoom, template: str = OUTER, **given: Any) -> StackIdentity:
    identity = room.create("old", template, files=INNER, **given)
    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    return identity


def abandoned(room: EngineRoom, identity: StackIdentity) -> Payload:
    payload = room.exports.abandon(ME, identity)
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    return payload


def adopted(room: EngineRoom, data: Payload, template: str = "", **options: Any) -> StackIdentity:
    command = CreateStack("new", Given(template), Options(**options), adopt_stack_data=json.dumps(data))
    return room.stacks.create(ME, command)


def physical_ids(room: EngineRoom, stack_id: str) -> dict[str, str | None]:
    """Return the things of a stack and of all that is nested in it, by name."""
    found: dict[str, str | None] = {}
    for row in room.rows(stack_id):
        if row.nested_stack_id is None:
            found[row.name] = row.physical_id
        else:
            found |= physical_ids(room, row.nested_stack_id)
    return found


def without_origin(payload: Any) -> Any:
    """Return data without what is another stack's by rights: its name, its id, and what was done last."""
    if not isinstance(payload, dict):
        return payload
    own = ("id", "name", "action", "status")
    return {key: without_origin(value) for key, value in payload.items() if key not in own}


def test_an_abandoned_stack_is_gone_and_its_things_are_there(room: EngineRoom) -> None:
    identity = created(room)
    inner = room.row(identity, "box").nested_stack_id
    assert inner is not None
    things = physical_ids(room, identity.stack_id)
    payload = abandoned(room, identity)

    assert (payload["action"], payload["status"]) == ("CREATE", "COMPLETE")
    assert payload["resources"]["a"]["resource_id"] == things["a"]
    assert payload["resources"]["box"]["resources"]["x"]["resource_id"] == things["x"]
    assert room.rows(identity.stack_id) == []
    assert room.stack(inner).deleted_time is not None
    assert sorted(room.bench.built.values()) == ["a", "x"]
    assert [name for action, name in room.bench.calls if action is DELETE] == []


def test_an_abandoned_stack_takes_its_snapshots_with_it(room: EngineRoom) -> None:
    identity = created(room)
    room.snapshots.take(ME, identity)
    room.wait(identity)
    abandoned(room, identity)

    assert room.bench.saved == {}
    assert sorted(room.bench.built.values()) == ["a", "x"]


def test_what_was_abandoned_is_adopted_as_it_is(room: EngineRoom) -> None:
    old = created(room, parameters={"v": "mine"})
    things = physical_ids(room, old.stack_id)
    payload = abandoned(room, old)
    new = adopted(room, payload)
    stack = room.wait(new)

    assert (str(stack.state), stack.reason) == ("ADOPT_COMPLETE", "Stack ADOPT completed successfully")
    assert physical_ids(room, new.stack_id) == things
    assert {str(row.state) for row in room.rows(new.stack_id)} == {"ADOPT_COMPLETE"}
    assert room.outputs(new) == {"a": "mine"}
    assert room.bench.count(CREATE, "a") == room.bench.count(CREATE, "x") == 1
    assert without_origin(room.exports.export(ME, new)) == without_origin(payload) | {"tags": []}


def test_an_update_to_the_same_finds_nothing_to_do_in_an_adopted_stack(room: EngineRoom) -> None:
    new = adopted(room, abandoned(room, created(room)))
    room.wait(new)
    things = physical_ids(room, new.stack_id)
    room.update(new, OUTER, files=INNER)

    assert str(room.wait(new).state) == "UPDATE_COMPLETE"
    assert physical_ids(room, new.stack_id) == things
    assert room.bench.count(UPDATE, "a") == room.bench.count(UPDATE, "x") == 0


def test_an_adopted_stack_is_updated_and_deleted_like_any_other(room: EngineRoom) -> None:
    new = adopted(room, abandoned(room, created(room)))
    room.wait(new)
    rows = {row.id for row in room.rows(new.stack_id)}
    room.update(new, OUTER, files=INNER, parameters={"v": "later"})
    assert str(room.wait(new).state) == "UPDATE_COMPLETE"
    assert {row.id for row in room.rows(new.stack_id)} == rows
    assert room.bench.count(CREATE, "a") == room.bench.count(CREATE, "x") == 1
    assert room.outputs(new) == {"a": "later"}

    room.delete(new)
    assert str(room.wait(new).state) == "DELETE_COMPLETE"
    assert room.bench.count(DELETE, "a") == room.bench.count(DELETE, "x") == 1


def test_only_what_a_nested_stack_was_can_be_adopted(room: EngineRoom) -> None:
    old = created(room)
    things = physical_ids(room, old.stack_id)
    payload = abandoned(room, old)
    new = adopted(room, payload["resources"]["box"])

    assert str(room.wait(new).state) == "ADOPT_COMPLETE"
    assert physical_ids(room, new.stack_id) == {"x": things["x"]}


def test_a_resource_without_an_id_fails_the_adopt_and_the_others_are_taken_over(room: EngineRoom) -> None:
    data = {"resources": {"a": {"resource_id": "a-1"}}}
    new = adopted(room, data, hot({"a": {}, "b": {}}))
    stack = room.wait(new)

    assert str(stack.state) == "ADOPT_FAILED"
    assert stack.reason == "Resource ADOPT failed: ResourceFailed: resources.b: Resource ID was not provided."
    assert room.row(new, "a").physical_id == "a-1"
    assert room.bench.count(CREATE, "b") == 0


def test_an_adopt_that_failed_and_is_rolled_back_gives_back_what_it_took(room: EngineRoom) -> None:
    data = {"resources": {"a": {"resource_id": "a-1"}}}
    template = hot({"a": {}, "b": {"_depends_on": "a"}})
    new = adopted(room, data, template, disable_rollback=False)

    assert str(room.wait(new).state) == "ROLLBACK_COMPLETE"
    assert room.rows(new.stack_id) == []
    assert [name for action, name in room.bench.calls if action is DELETE] == []


def test_what_was_adopted_stays_when_a_later_update_is_rolled_back_to_nothing(room: EngineRoom) -> None:
    """It was there before the stack, whatever has been done with it since."""
    data = {"resources": {"a": {"resource_id": "a-1"}}}
    new = adopted(room, data, hot({"a": {"value": "1"}, "b": {"_depends_on": "a"}}))
    assert str(room.wait(new).state) == "ADOPT_FAILED"
    room.bench.fails.add((CREATE, "b"))
    room.update(new, hot({"a": {"value": "2"}, "b": {"_depends_on": "a"}}), disable_rollback=False)

    assert str(room.wait(new).state) == "ROLLBACK_COMPLETE"
    assert room.rows(new.stack_id) == []
    assert room.bench.count(UPDATE, "a") == 1
    assert room.bench.count(DELETE, "a") == 0


def test_a_nested_stack_that_can_not_be_adopted_fails_with_the_path_to_why(room: EngineRoom) -> None:
    payload = abandoned(room, created(room))
    payload["resources"]["box"]["resources"]["x"]["resource_id"] = None
    stack = room.wait(adopted(room, payload))

    assert str(stack.state) == "ADOPT_FAILED"
    assert "resources.box.resources.x: Resource ID was not provided." in stack.reason


def test_an_adopt_is_brought_to_its_end_by_the_engine_that_comes_next(room: EngineRoom) -> None:
    payload = abandoned(room, created(room))
    room.stop()
    room._open()
    new = adopted(room, payload)  # stored, and nobody walks
    room.restart()

    assert str(room.wait(new).state) == "ADOPT_COMPLETE"
    assert room.bench.count(CREATE, "a") == 1


def test_a_stack_that_failed_is_abandoned_with_what_there_is_of_it(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "b"))
    identity = room.create("old", hot({"a": {}, "b": {}}))
    room.wait(identity)
    payload = abandoned(room, identity)

    assert payload["status"] == "FAILED"
    assert payload["resources"]["a"]["resource_id"] is not None
    assert payload["resources"]["b"]["status"] == "FAILED"
    assert list(room.bench.built.values()) == ["a"]


def test_an_abandon_is_brought_to_its_end_by_the_engine_that_comes_next(room: EngineRoom) -> None:
    identity = created(room)
    room.stop()
    room._open()
    room.exports.abandon(ME, identity)  # stored, and nobody walks
    room.restart()

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert sorted(room.bench.built.values()) == ["a", "x"]


def half_abandoned(room: EngineRoom, monkeypatch: pytest.MonkeyPatch) -> StackIdentity:
    """Return a stack that was given away, and of which a thing did not let itself be forgotten."""

    def forget(_: Thing, ctx: Context) -> Outcome:
        raise ResourceFailed(f"{ctx.name} is not forgotten")

    identity = created(room)
    with monkeypatch.context() as patched:
        patched.setattr(Thing, "forget", forget)
        room.exports.abandon(ME, identity)
        assert str(room.wait(identity).state) == "DELETE_FAILED"
    return identity


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(lambda room, identity: room.update(identity, OUTER, files=INNER), id="update"),
        pytest.param(lambda room, identity: room.actions.check(ME, identity), id="check"),
        pytest.param(lambda room, identity: room.begin(identity, Action.RESTORE), id="restore"),
    ],
)
def test_what_was_abandoned_but_for_a_failure_can_only_be_deleted(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch, begin: Callable[[EngineRoom, StackIdentity], object]
) -> None:
    identity = half_abandoned(room, monkeypatch)

    with pytest.raises(EngineError, match="it was abandoned") as refused:
        begin(room, identity)

    assert refused.value.code is Code.INVALID_STACK_STATE
    assert str(room.stack(identity.stack_id).state) == "DELETE_FAILED"


def test_the_delete_after_an_abandon_that_failed_leaves_every_thing_as_it_is(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = half_abandoned(room, monkeypatch)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert sorted(room.bench.built.values()) == ["a", "x"]
    assert [name for action, name in room.bench.calls if action is DELETE] == []


@pytest.mark.parametrize("entry", [{"resource_id": "some-id"}, {"resource_data": {"adopted": "x"}}])
def test_a_nested_stack_is_not_adopted_from_data_that_hold_none(room: EngineRoom, entry: dict[str, Any]) -> None:
    data = {"resources": {"a": {"resource_id": "t"}, "box": entry}}
    command = CreateStack(
        "new",
        Given(OUTER, files=INNER),
        adopt_stack_data=json.dumps(data),
    )
    identity = room.stacks.create(ME, command)
    stack = room.wait(identity)

    assert str(stack.state) == "ADOPT_FAILED"
    assert "resources.box: the data to adopt hold no nested stack for it" in stack.reason


def test_data_with_a_sink_that_nobody_knows_are_not_adopted(room: EngineRoom) -> None:
    data = {"template": hot({"a": {}}), "environment": {"event_sinks": [{"type": "nowhere"}]}, "resources": {}}

    with pytest.raises(EngineError, match="nowhere"):
        adopted(room, data)
