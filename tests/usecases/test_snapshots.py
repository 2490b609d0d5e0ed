"""Snapshots as a caller asks for them: what is refused, what is stored, what a restore leads to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import ActionInProgress, Code, EngineError
from engine.model.ids import SnapshotId, StackIdentity
from engine.model.records import Caller, SnapshotRecord
from engine.model.states import Action, Status
from engine.runtime import exports
from engine.store import snapshots, templates
from engine.usecases.limits import Limits
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot
from kit.stored import at, new_id

ADMIN = replace(ME, roles=frozenset({"admin"}))
STRANGER = Caller("other")
ONE = hot({"it": {"value": "old"}})
SNAPSHOT = Action.SNAPSHOT


@pytest.fixture
def identity(room: EngineRoom) -> StackIdentity:
    return created(room)


def created(room: EngineRoom, template: str = ONE, name: str = "s", **given: Any) -> StackIdentity:
    identity = room.create(name, template, **given)
    room.wait(identity)
    return identity


def refused(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


def taken(room: EngineRoom, identity: StackIdentity, **changes: Any) -> SnapshotRecord:
    """Return a snapshot of a stack as it is, stored as a walk would have left it."""
    stack = room.stack(identity.stack_id)
    ended = replace(stack, action=SNAPSHOT, status=Status.COMPLETE)
    with room.db.write() as tx:
        known: dict[str, Any] = {
            "id": SnapshotId(new_id()),
            "stack_id": stack.id,
            "name": "kept",
            "project": stack.project,
            "action": Action.CREATE,
            "status": Status.COMPLETE,
            "reason": "Stack SNAPSHOT completed successfully",
            "created_time": at(0),
            "data": exports.read(tx, ended),
        }
        record = SnapshotRecord(**{**known, **changes})
        snapshots.insert(tx, record)
    return record


def stored(room: EngineRoom, snapshot_id: str) -> SnapshotRecord | None:
    with room.db.read() as tx:
        return snapshots.get(tx, SnapshotId(snapshot_id))


def removed(room: EngineRoom, snapshot: SnapshotRecord) -> SnapshotRecord | None:
    """Return the snapshot once nobody works on its removal any more."""
    room.machinery.groups.stop(snapshot.stack_id, graceful=True)
    return stored(room, snapshot.id)


def test_a_snapshot_begins_as_a_walk_of_the_same_id(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.waits.add((SNAPSHOT, "it"))
    answer = room.snapshots.take(ME, identity, "nightly")

    stack = room.stack(identity.stack_id)
    assert (str(stack.state), stack.traversal) == ("SNAPSHOT_IN_PROGRESS", answer.id)
    assert answer == stored(room, answer.id)
    assert (answer.name, answer.project, answer.data) == ("nightly", "default", None)
    assert (answer.action, answer.status, answer.reason) == (CREATE, Status.IN_PROGRESS, "Stack SNAPSHOT started")
    assert (answer.stack_id, answer.created_time) == (stack.id, stack.updated_time)


def test_a_stack_that_failed_can_be_saved_and_a_busy_one_can_not(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "it"))
    identity = created(room)
    room.bench.waits.add((SNAPSHOT, "it"))
    first = room.snapshots.take(ME, identity)
    error = refused(lambda: room.snapshots.take(ME, identity))

    assert isinstance(error, ActionInProgress)
    assert error.fields == {"stack_name": "s", "action": "SNAPSHOT"}
    assert [one.id for one in room.snapshots.list(ME, identity)[0]] == [first.id]


def test_of_many_that_ask_at_once_one_gets_its_snapshot(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.waits.add((SNAPSHOT, "it"))
    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(room.snapshots.take, ME, identity) for _ in range(8)]
    errors = [one.exception() for one in work]

    assert errors.count(None) == 1
    assert {type(error) for error in errors if error is not None} == {ActionInProgress}
    assert len(room.snapshots.list(ME, identity)[0]) == 1


@pytest.mark.parametrize(
    ("most", "caller", "code"),
    [
        pytest.param(1, ME, Code.REQUEST_LIMIT_EXCEEDED, id="one too many"),
        pytest.param(2, ME, None, id="within the limit"),
        pytest.param(-1, ME, None, id="no limit"),
        pytest.param(1, ADMIN, None, id="an administrator"),
    ],
)
def test_a_stack_has_only_so_many_snapshots(tmp_path: Path, most: int, caller: Caller, code: Code | None) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_snapshots_per_stack=most)) as room:
        identity = created(room)
        taken(room, identity)
        try:
            room.snapshots.take(caller, identity)
            answer = None
        except EngineError as error:
            answer = error.code
        counted = len(room.snapshots.list(ME, identity)[0])

    assert answer is code
    assert counted == (2 if code is None else 1)


@pytest.mark.parametrize("name", ["x" * 256, "a\x00b"])
def test_a_name_that_can_not_be_stored_is_refused(room: EngineRoom, identity: StackIdentity, name: str) -> None:
    assert refused(lambda: room.snapshots.take(ME, identity, name)).code is Code.INVALID_ARGUMENT
    assert room.snapshots.list(ME, identity) == ([], "")


def test_a_repeated_request_gets_the_first_answer(room: EngineRoom, identity: StackIdentity) -> None:
    first = room.snapshots.take(ME, identity, "a", request_id="one")
    room.wait(identity)

    assert room.snapshots.take(ME, identity, "a", request_id="one") == first
    assert len(room.snapshots.list(ME, identity)[0]) == 1
    other = refused(lambda: room.snapshots.take(ME, identity, "b", request_id="one"))
    assert other.code is Code.REQUEST_ID_REUSED


@pytest.mark.parametrize("action", [UPDATE, DELETE])
def test_a_snapshot_whose_walk_is_superseded_has_failed(
    room: EngineRoom, identity: StackIdentity, action: Action
) -> None:
    room.bench.waits.add((SNAPSHOT, "it"))
    snapshot = room.snapshots.take(ME, identity)
    room.bench.until_called(SNAPSHOT, "it")
    room.bench.hangs.add((DELETE, "it"))
    room.begin(identity, action)

    found = stored(room, snapshot.id)
    assert found is not None
    assert (found.action, found.reason) == (CREATE, f"Superseded by {action} of the stack")
    assert found.status is Status.FAILED
    assert found.data["resources"]["it"]["action"] == "SNAPSHOT"


def test_snapshots_are_listed_newest_first_page_by_page(room: EngineRoom, identity: StackIdentity) -> None:
    all_ = [taken(room, identity, created_time=at(n)) for n in (3, 2, 1)]
    taken(room, created(room, name="other"))

    assert room.snapshots.list(ME, identity) == (all_, "")
    assert room.snapshots.list(ME, identity, limit=2) == (all_[:2], all_[1].id)
    assert room.snapshots.list(ME, identity, limit=2, marker=all_[1].id) == (all_[2:], "")
    assert room.snapshots.list(ME, identity, limit=3) == (all_, "")
    assert room.snapshots.list(ME, identity, limit=0) == ([], "")


def test_only_a_snapshot_of_the_very_stack_is_found(room: EngineRoom, identity: StackIdentity) -> None:
    snapshot, foreign = taken(room, identity), taken(room, created(room, name="other"))

    assert room.snapshots.show(ME, identity, snapshot.id) == snapshot
    for wanted in (foreign.id, "unknown"):
        for call in (room.snapshots.show, room.snapshots.delete, room.snapshots.restore):
            error = refused(lambda call=call, wanted=wanted: call(ME, identity, wanted))
            assert (error.code, error.fields["snapshot"]) == (Code.SNAPSHOT_NOT_FOUND, wanted)
    anonymous = replace(identity, tenant="")
    assert refused(lambda: room.snapshots.show(STRANGER, anonymous, snapshot.id)).code is Code.STACK_NOT_FOUND
    assert refused(lambda: room.snapshots.list(STRANGER, anonymous)).code is Code.STACK_NOT_FOUND


def test_one_that_is_being_taken_is_not_deleted(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.waits.add((SNAPSHOT, "it"))
    snapshot = room.snapshots.take(ME, identity)
    error = refused(lambda: room.snapshots.delete(ME, identity, snapshot.id))

    assert error.code is Code.INVALID_SNAPSHOT_STATE
    assert error.message.startswith("Deleting in-progress snapshot")
    assert stored(room, snapshot.id) == snapshot


def test_one_whose_walk_was_given_up_is_deleted(room: EngineRoom, identity: StackIdentity) -> None:
    left = taken(room, identity, status=Status.IN_PROGRESS, data=None)
    room.snapshots.delete(ME, identity, left.id)

    assert removed(room, left) is None


def test_a_repeated_delete_is_answered_when_the_snapshot_is_gone(room: EngineRoom, identity: StackIdentity) -> None:
    snapshot = taken(room, identity)
    for _ in range(2):
        room.snapshots.delete(ME, identity, snapshot.id, request_id="one")
        assert removed(room, snapshot) is None

    assert refused(lambda: room.snapshots.delete(ME, identity, snapshot.id)).code is Code.SNAPSHOT_NOT_FOUND


def test_a_removal_that_failed_can_be_begun_again(room: EngineRoom, identity: StackIdentity) -> None:
    snapshot = taken(room, identity)
    room.bench.fails.add((DELETE, "snapshot of it"))
    room.snapshots.delete(ME, identity, snapshot.id)
    found = removed(room, snapshot)
    assert found is not None
    assert (found.action, found.status) == (DELETE, Status.FAILED)
    assert found.reason == "ResourceFailed: resources.it: the snapshot of it was told to stay"

    room.bench.fails.clear()
    room.snapshots.delete(ME, identity, snapshot.id)

    assert removed(room, snapshot) is None


def test_a_restore_leads_to_what_was_declared_and_remembers_what_was_saved(room: EngineRoom) -> None:
    template = hot({"it": {"value": {"get_param": "v"}}}, parameters={"v": {"type": "string"}}, description="then")
    identity = created(room, template, parameters={"v": "old"}, files={"f": "file"}, tags=["blue"], timeout_mins=7)
    snapshot = taken(room, identity)
    room.update(identity, ONE, tags=["green"], disable_rollback=False)
    room.wait(identity)
    room.snapshots.restore(ME, identity, snapshot.id)

    stack = room.stack(identity.stack_id)
    with room.db.read() as tx:
        definition = templates.load(tx, stack.definition_id)
    assert stack.action is Action.RESTORE
    assert (stack.tags, stack.timeout_mins, stack.disable_rollback, stack.description) == ((), 7, False, "then")
    assert (definition.template, definition.files) == (template, {"f": "file"})
    assert definition.environment == {"parameters": {"v": "old"}}
    assert definition.restored == snapshot.data["resources"]
    assert str(room.wait(identity).state) == "RESTORE_COMPLETE"


@pytest.mark.parametrize(
    ("action", "status"),
    [(CREATE, Status.IN_PROGRESS), (CREATE, Status.FAILED), (DELETE, Status.FAILED), (DELETE, Status.IN_PROGRESS)],
)
def test_only_a_complete_snapshot_is_restored(
    room: EngineRoom, identity: StackIdentity, action: Action, status: Status
) -> None:
    snapshot = taken(room, identity, action=action, status=status)
    error = refused(lambda: room.snapshots.restore(ME, identity, snapshot.id))

    assert error.code is Code.INVALID_SNAPSHOT_STATE
    assert error.message.startswith("Restoring incomplete snapshot")
    assert room.stack(identity.stack_id).action is CREATE


def test_a_busy_stack_is_not_restored(room: EngineRoom, identity: StackIdentity) -> None:
    snapshot = taken(room, identity)
    room.bench.waits.add((UPDATE, "it"))
    room.update(identity, hot({"it": {"value": "new"}}))

    assert isinstance(refused(lambda: room.snapshots.restore(ME, identity, snapshot.id)), ActionInProgress)


def test_a_repeated_restore_begins_one_walk(room: EngineRoom, identity: StackIdentity) -> None:
    snapshot = taken(room, identity)
    room.snapshots.restore(ME, identity, snapshot.id, request_id="one")
    walked = room.wait(identity)
    room.snapshots.restore(ME, identity, snapshot.id, request_id="one")

    assert room.stack(identity.stack_id) == walked


def test_immutable_parameters_are_no_matter_for_a_restore(room: EngineRoom) -> None:
    template = hot({"it": {}}, parameters={"v": {"type": "string", "immutable": True}})
    identity = created(room, template, parameters={"v": "old"})
    snapshot = taken(room, identity)
    definition = snapshot.data["environment"] | {"parameters": {"v": "other"}}
    other = taken(room, identity, data=snapshot.data | {"environment": definition})
    room.snapshots.restore(ME, identity, other.id)

    assert str(room.wait(identity).state) == "RESTORE_COMPLETE"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param(
            {"template": hot({"it": {"_type": "Test::Gone"}})}, Code.STACK_VALIDATION_FAILED, id="a type that is gone"
        ),
        pytest.param({"template": hot({"a": {}, "b": {}, "c": {}})}, Code.REQUEST_LIMIT_EXCEEDED, id="too much"),
    ],
)
def test_what_can_not_be_any_more_is_not_restored(tmp_path: Path, changes: dict[str, Any], code: Code) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_resources_per_stack=2)) as room:
        identity = created(room)
        snapshot = taken(room, identity)
        other = taken(room, identity, data=snapshot.data | changes)
        error = refused(lambda: room.snapshots.restore(ME, identity, other.id))
        stack = room.stack(identity.stack_id)

    assert error.code is code
    assert stack.action is CREATE
