"""Snapshots of whole stacks: taken by a walk, come back to by a walk, and gone with what was saved for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId, StackIdentity
from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status
from engine.runtime.machinery import Settings
from engine.usecases import resets
from kit.bench import DELETE, UPDATE
from kit.clock import FakeClock
from kit.engine_room import ME, EngineRoom, hot

SNAPSHOT = Action.SNAPSHOT
INNER = {"inner.yaml": hot({"x": {"value": "inside"}})}
OUTER = hot({"a": {"value": "1"}, "box": {"_type": "inner.yaml"}})


def created(room: EngineRoom, template: str = OUTER, **given: Any) -> StackIdentity:
    identity = room.create("s", template, files=INNER, **given)
    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    return identity


def taken(room: EngineRoom, identity: StackIdentity, state: str = "SNAPSHOT_COMPLETE") -> SnapshotRecord:
    """Return a snapshot once its walk has ended so."""
    snapshot = room.snapshots.take(ME, identity)
    assert str(room.wait(identity).state) == state
    return room.snapshots.show(ME, identity, snapshot.id)


def values(room: EngineRoom, identity: StackIdentity) -> dict[str, Any]:
    rows = room.rows(identity.stack_id)
    return {row.name: row.properties["value"] for row in rows if row.nested_stack_id is None}


def test_a_snapshot_holds_the_stack_with_what_every_resource_has_saved(room: EngineRoom) -> None:
    identity = created(room)
    snapshot = taken(room, identity)

    assert (snapshot.action, snapshot.status) == (Action.CREATE, Status.COMPLETE)
    assert snapshot.reason == "Stack SNAPSHOT completed successfully"
    data = snapshot.data
    assert (data["action"], data["status"], data["template"], data["files"]) == ("SNAPSHOT", "COMPLETE", OUTER, INNER)
    a, x = data["resources"]["a"], data["resources"]["box"]["resources"]["x"]
    assert [(one["action"], one["status"]) for one in (a, x)] == [("SNAPSHOT", "COMPLETE")] * 2
    assert {one["resource_data"]["saved"] for one in (a, x)} == set(room.bench.saved)
    assert room.stack(identity.stack_id).complete_definition_id == room.stack(identity.stack_id).definition_id


def test_a_snapshot_that_a_resource_fails_has_failed_and_can_be_removed(room: EngineRoom) -> None:
    identity = created(room)
    room.bench.fails.add((SNAPSHOT, "a"))
    snapshot = taken(room, identity, "SNAPSHOT_FAILED")
    assert (snapshot.action, snapshot.status) == (Action.CREATE, Status.FAILED)
    assert snapshot.reason == "Resource SNAPSHOT failed: ResourceFailed: resources.a: a was told to fail"

    with pytest.raises(EngineError) as refused:
        room.snapshots.restore(ME, identity, snapshot.id)
    assert refused.value.code is Code.INVALID_SNAPSHOT_STATE
    room.snapshots.delete(ME, identity, snapshot.id)
    room.machinery.groups.stop(snapshot.stack_id, graceful=True)
    assert room.snapshots.list(ME, identity) == ([], "")


def test_a_snapshot_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    clock = FakeClock()
    with EngineRoom(tmp_path, settings=Settings(stack_action_timeout=60), clock=clock) as room:
        identity = created(room)
        room.bench.waits.add((SNAPSHOT, "a"))
        snapshot = room.snapshots.take(ME, identity)
        room.bench.until_called(SNAPSHOT, "a", 2)
        clock.advance(61)
        assert str(room.wait(identity).state) == "SNAPSHOT_FAILED"
        found = room.snapshots.show(ME, identity, snapshot.id)

    assert (found.status, found.reason) == (Status.FAILED, "Timed out")


def test_a_snapshot_is_taken_to_its_end_by_the_engine_that_comes_next(room: EngineRoom) -> None:
    identity = created(room)
    room.bench.waits.add((SNAPSHOT, "a"))
    snapshot = room.snapshots.take(ME, identity)
    room.bench.until_called(SNAPSHOT, "a", 2)
    room.restart()
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "SNAPSHOT_COMPLETE"
    assert room.snapshots.show(ME, identity, snapshot.id).status is Status.COMPLETE


def test_what_is_saved_already_is_not_saved_again_by_the_engine_that_comes_next(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"value": "1"}, "b": {"value": "2", "_depends_on": "a"}}))
    taken(room, identity)
    room.bench.waits.add((SNAPSHOT, "b"))
    room.snapshots.take(ME, identity)
    room.news.event("b", "SNAPSHOT_IN_PROGRESS", times=2)
    room.restart()
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "SNAPSHOT_COMPLETE"
    assert room.bench.count(SNAPSHOT, "a") == 2, "once for each snapshot"


def test_a_restore_brings_back_what_was_declared_and_what_was_saved(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"value": "1"}, "gone": {"value": "2"}}))
    snapshot = taken(room, identity)
    room.update(identity, hot({"a": {"value": "changed"}, "added": {"value": "3"}}))
    room.wait(identity)
    room.snapshots.restore(ME, identity, snapshot.id)

    assert str(room.wait(identity).state) == "RESTORE_COMPLETE"
    assert values(room, identity) == {"a": "restored 1", "gone": "restored 2"}
    assert sorted(room.bench.built.values()) == ["a", "gone"]


def test_a_restore_reaches_into_nested_stacks(room: EngineRoom) -> None:
    identity = created(room)
    inner = room.row(identity, "box").nested_stack_id
    snapshot = taken(room, identity)
    room.update(
        identity, hot({"a": {"value": "1"}, "box": {"_type": "inner.yaml"}}), files={"inner.yaml": hot({"y": {}})}
    )
    room.wait(identity)
    room.snapshots.restore(ME, identity, snapshot.id)

    assert str(room.wait(identity).state) == "RESTORE_COMPLETE"
    assert room.row(identity, "box").nested_stack_id == inner
    assert inner is not None
    assert {row.name: row.properties["value"] for row in room.rows(inner)} == {"x": "restored inside"}


def test_a_suspended_stack_is_restored_with_what_is_nested_in_it(room: EngineRoom) -> None:
    identity = created(room)
    inner = str(room.row(identity, "box").nested_stack_id)
    snapshot = taken(room, identity)
    room.actions.suspend(ME, identity)
    assert str(room.wait(identity).state) == "SUSPEND_COMPLETE"
    room.snapshots.restore(ME, identity, snapshot.id)

    assert str(room.wait(identity).state) == "RESTORE_COMPLETE"
    assert room.row(identity, "box").nested_stack_id == inner
    assert {row.name: row.properties["value"] for row in room.rows(inner)} == {"x": "restored inside"}
    assert room.stack(inner).status is Status.COMPLETE


def test_a_restore_that_fails_is_rolled_back_where_that_is_asked_for(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"value": "1"}}), disable_rollback=False)
    snapshot = taken(room, identity)
    room.update(identity, hot({"a": {"value": "2"}, "b": {"_depends_on": "a"}}))
    room.wait(identity)
    room.bench.fails.add((UPDATE, "a"))
    room.snapshots.restore(ME, identity, snapshot.id)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert values(room, identity) == {"a": "2", "b": ""}


def test_an_update_after_a_restore_leads_to_what_it_says(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"value": "1"}}))
    snapshot = taken(room, identity)
    room.snapshots.restore(ME, identity, snapshot.id)
    room.wait(identity)
    room.update(identity, hot({"a": {"value": "later"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert values(room, identity) == {"a": "later"}


def test_with_a_snapshot_goes_what_was_saved_for_it(room: EngineRoom) -> None:
    identity = created(room)
    snapshot = taken(room, identity)
    assert len(room.bench.saved) == 2
    room.snapshots.delete(ME, identity, snapshot.id)
    room.machinery.groups.stop(snapshot.stack_id, graceful=True)

    assert room.bench.saved == {}
    assert str(room.stack(identity.stack_id).state) == "SNAPSHOT_COMPLETE", "removing is nothing that a stack does"
    with pytest.raises(EngineError) as refused:
        room.snapshots.show(ME, identity, snapshot.id)
    assert refused.value.code is Code.SNAPSHOT_NOT_FOUND


def test_with_a_snapshot_that_failed_goes_what_was_saved_by_then(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}, "b": {"value": "2", "_depends_on": "a"}}))
    room.wait(identity)
    room.bench.fails.add((SNAPSHOT, "b"))
    snapshot = taken(room, identity, "SNAPSHOT_FAILED")
    assert list(room.bench.saved.values()) == ["1"]

    room.snapshots.delete(ME, identity, snapshot.id)
    room.machinery.groups.stop(snapshot.stack_id, graceful=True)

    assert room.bench.saved == {}


def test_with_a_stack_go_its_snapshots(room: EngineRoom) -> None:
    identity = created(room)
    snapshots = [taken(room, identity) for _ in range(2)]
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {}
    assert room.bench.built == {}
    assert [room.bench.count(DELETE, f"snapshot of {name}") for name in "ax"] == [len(snapshots)] * 2


def test_a_stack_whose_snapshot_can_not_be_removed_is_deleted_by_a_second_try(room: EngineRoom) -> None:
    identity = created(room)
    taken(room, identity)
    room.bench.fails.add((DELETE, "snapshot of x"))
    room.delete(identity)
    stack = room.wait(identity)
    assert str(stack.state) == "DELETE_FAILED"
    assert "resources.box.resources.x: the snapshot of x was told to stay" in stack.reason
    assert [one.status for one in room.snapshots.list(ME, identity)[0]] == [Status.FAILED]

    room.bench.fails.clear()
    room.delete(identity)
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {}


def test_an_update_need_not_wait_for_a_snapshot_which_then_has_failed(room: EngineRoom) -> None:
    identity = created(room)
    room.bench.waits.add((SNAPSHOT, "a"))
    snapshot = room.snapshots.take(ME, identity)
    room.bench.until_called(SNAPSHOT, "a", 2)
    room.update(identity, hot({"a": {"value": "2"}, "box": {"_type": "inner.yaml"}}), files=INNER)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    found = room.snapshots.show(ME, identity, snapshot.id)
    assert (found.status, found.reason) == (Status.FAILED, "Superseded by UPDATE of the stack")
    room.delete(identity)
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"


def test_a_deleted_stack_keeps_no_snapshot_that_was_being_taken(room: EngineRoom) -> None:
    identity = created(room)
    room.bench.waits.add((SNAPSHOT, "a"))
    room.snapshots.take(ME, identity)
    room.bench.until_called(SNAPSHOT, "a", 2)
    room.news.event("x", "SNAPSHOT_COMPLETE")  # what is still being saved now would not be known of
    room.delete(identity)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {}


def test_a_reset_keeps_track_of_what_had_been_saved(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}, "b": {"value": "2", "_depends_on": "a"}}))
    room.wait(identity)
    room.bench.waits.add((SNAPSHOT, "b"))
    room.snapshots.take(ME, identity)
    room.bench.until_called(SNAPSHOT, "b", times=2)
    resets.reset(room.db, StackId(identity.stack_id), room.machinery.logbook)
    assert list(room.bench.saved.values()) == ["1"]

    room.bench.waits.clear()
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.saved == {}
