"""A single resource: when it is replaced, what is deleted how, what can be suspended and resumed (engine.md §3)."""

from __future__ import annotations

import pytest

from engine.model.errors import Code, TemplateInvalid
from engine.model.ids import StackIdentity
from engine.model.states import Action
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

SUSPEND, RESUME = Action.SUSPEND, Action.RESUME


def states(room: EngineRoom, identity: StackIdentity) -> dict[str, str]:
    return {row.name: str(row.state) for row in room.rows(identity.stack_id)}


def created(room: EngineRoom, template: str) -> StackIdentity:
    identity = room.create("s", template)
    room.wait(identity)
    return identity


@pytest.mark.parametrize("failing", [CREATE, UPDATE])
def test_what_failed_is_replaced_by_the_next_update(room: EngineRoom, failing: Action) -> None:
    wanted = hot({"it": {"value": "2"}, "user": {"_depends_on": "it"}})
    room.bench.fails.add((failing, "it"))
    identity = created(room, hot({"it": {"value": "1"}, "user": {"_depends_on": "it"}}))
    if failing is UPDATE:
        room.update(identity, wanted)
        room.wait(identity)
    failed = room.row(identity, "it")
    room.bench.fails.clear()
    room.bench.calls.clear()
    room.update(identity, wanted)
    stack, after = room.wait(identity), room.row(identity, "it")

    assert (str(failed.state), str(stack.state)) == (f"{failing}_FAILED", "UPDATE_COMPLETE")
    assert (after.id != failed.id, after.properties["value"], str(after.state)) == (True, "2", "CREATE_COMPLETE")
    assert room.bench.calls.index((CREATE, "it")) < room.bench.calls.index((DELETE, "it"))
    assert sorted(room.bench.built.values()) == ["it", "user"]
    assert room.row(identity, "user").requires == {after.id}


def test_however_often_it_fails_nothing_is_left_behind_in_the_end(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "it"))
    identity = created(room, hot({"it": {}}))
    for _ in range(3):
        room.update(identity, hot({"it": {}}))
        room.wait(identity)
    room.bench.fails.clear()
    room.update(identity, hot({"it": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.built == {room.row(identity, "it").id: "it"}


def test_a_property_that_is_said_no_more_has_its_default_again(room: EngineRoom) -> None:
    identity = created(room, hot({"it": {"value": "said"}}))
    before = room.row(identity, "it")
    room.update(identity, hot({"it": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    after = room.row(identity, "it")
    assert (after.id, after.properties["value"], after.data) == (before.id, "", {"value": ""})
    assert room.bench.calls[-1] == (UPDATE, "it")


def test_what_is_not_about_the_thing_itself_changes_without_a_call_and_without_an_event(room: EngineRoom) -> None:
    before = {"_metadata": {"shelf": 1}, "_deletion_policy": "Retain", "_depends_on": "one"}
    after = {"_metadata": {"shelf": 2}, "_deletion_policy": "Delete", "_depends_on": "two"}
    identity = created(room, hot({"one": {}, "two": {}, "it": before}))
    calls, row = list(room.bench.calls), room.row(identity, "it")
    room.update(identity, hot({"one": {}, "two": {}, "it": after}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    changed = room.row(identity, "it")
    assert (changed.id, changed.state) == (row.id, row.state)
    assert (changed.metadata, changed.deletion_policy) == ({"shelf": 2}, "Delete")
    assert changed.requires == {room.row(identity, "two").id}
    assert room.bench.calls == calls
    assert room.history(identity)[-2:] == ["s UPDATE_IN_PROGRESS", "s UPDATE_COMPLETE"]


@pytest.mark.parametrize("how", ["delete", "removal", "replacement"])
def test_what_has_the_policy_snapshot_is_saved_when_it_is_deleted(room: EngineRoom, how: str) -> None:
    kept = {"it": {"value": "precious", "fixed": "1", "_deletion_policy": "Snapshot"}}
    identity = created(room, hot(kept))
    physical_id = room.row(identity, "it").physical_id
    if how == "delete":
        room.delete(identity)
    else:
        room.update(identity, hot({} if how == "removal" else {"it": {**kept["it"], "fixed": "2"}}))
    room.wait(identity)

    assert room.bench.saved == {physical_id: "precious"}
    assert room.bench.built == {row.id: "it" for row in room.rows(identity.stack_id)}


def test_there_is_nothing_to_save_of_what_was_never_built(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "it"))
    identity = created(room, hot({"it": {"_deletion_policy": "Snapshot"}}))
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {}


def test_a_type_that_can_not_save_itself_has_no_policy_snapshot(room: EngineRoom) -> None:
    with pytest.raises(TemplateInvalid, match=r"resources\.it\.deletion_policy: ") as caught:
        room.create("s", hot({"it": {"_type": "OS::Heat::RandomString", "_deletion_policy": "Snapshot"}}))

    assert caught.value.code is Code.STACK_VALIDATION_FAILED


@pytest.mark.parametrize(("last", "stays"), [("Retain", ["it"]), ("retain", ["it"]), ("Delete", []), ("delete", [])])
def test_the_policy_of_the_last_update_says_what_becomes_of_a_thing(
    room: EngineRoom, last: str, stays: list[str]
) -> None:
    first = "Delete" if stays else "Retain"
    identity = created(room, hot({"it": {"_deletion_policy": first}}))
    room.update(identity, hot({"it": {"_deletion_policy": last}}))
    room.wait(identity)
    room.update(identity, hot({}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.rows(identity.stack_id) == []
    assert list(room.bench.built.values()) == stays
    assert ((DELETE, "it") in room.bench.calls) == (not stays)


def test_a_thing_is_deleted_as_it_was_built_and_not_as_it_was_to_become(room: EngineRoom) -> None:
    saved = {"_deletion_policy": "Snapshot", "_depends_on": "first"}
    identity = created(room, hot({"first": {"value": "1"}, "it": {"value": "old", **saved}}))
    physical_id = room.row(identity, "it").physical_id
    room.bench.fails.add((UPDATE, "first"))
    room.update(identity, hot({"first": {"value": "2"}, "it": {"value": "new", **saved}}))
    room.wait(identity)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {physical_id: "old"}


def test_what_is_not_built_can_not_be_suspended(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "bad"))
    identity = created(room, hot({"good": {}, "bad": {}, "never": {"_depends_on": "bad"}}))
    room.actions.suspend(ME, identity)
    stack = room.wait(identity)

    assert (str(stack.state), stack.reason) == (
        "SUSPEND_FAILED",
        "Resource SUSPEND failed: ResourceFailure: resources.bad: State CREATE_FAILED invalid for suspend",
    )
    assert states(room, identity) == {"good": "SUSPEND_COMPLETE", "bad": "CREATE_FAILED"}
    assert room.bench.calls[-1] == (SUSPEND, "good")


def test_a_resume_that_failed_is_tried_again_where_it_failed(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {}, "b": {"_depends_on": "a"}, "c": {"_depends_on": "b"}}))
    room.actions.suspend(ME, identity)
    room.wait(identity)
    room.bench.fails.add((RESUME, "b"))
    room.actions.resume(ME, identity)
    failed = room.wait(identity)
    between = states(room, identity)
    room.bench.fails.clear()
    room.bench.calls.clear()
    room.actions.resume(ME, identity)

    assert str(failed.state) == "RESUME_FAILED"
    assert between == {"a": "RESUME_COMPLETE", "b": "RESUME_FAILED", "c": "SUSPEND_COMPLETE"}
    assert str(room.wait(identity).state) == "RESUME_COMPLETE"
    assert set(states(room, identity).values()) == {"RESUME_COMPLETE"}
    assert room.bench.calls == [(RESUME, "b"), (RESUME, "c")]


def test_a_type_that_does_nothing_about_it_is_suspended_and_resumed_all_the_same(room: EngineRoom) -> None:
    identity = created(room, hot({"text": {"_type": "OS::Heat::RandomString"}}))
    before = room.row(identity, "text")
    room.actions.suspend(ME, identity)
    room.wait(identity)
    between = states(room, identity)
    room.actions.resume(ME, identity)
    room.wait(identity)

    assert between == {"text": "SUSPEND_COMPLETE"}
    assert states(room, identity) == {"text": "RESUME_COMPLETE"}
    assert room.row(identity, "text").data == before.data
