from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest
from isotherm.v1 import common_pb2, snapshot_pb2

from engine.model.ids import SnapshotId, StackId
from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status
from engine.runtime import exports
from engine.service import EngineService
from engine.store import snapshots, stacks
from kit import served as engines
from kit.served import HOT, Served
from kit.stored import at, new_id

TEMPLATE = f"{HOT}resources: {{it: {{type: OS::Heat::Value, properties: {{value: 9007199254740993}}}}}}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineService, Served]]:
    with engines.engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture
def served(running: tuple[EngineService, Served]) -> Served:
    return running[1]


def kept(service: EngineService, identity: common_pb2.StackIdentity, **changes: object) -> SnapshotRecord:
    """Return a snapshot of a stack as a walk would have left it."""
    with service._db.write() as tx:
        stack = stacks.get(tx, StackId(identity.stack_id))
        assert stack is not None
        data = exports.read(tx, replace(stack, action=Action.SNAPSHOT))
        record = SnapshotRecord(
            id=SnapshotId(new_id()),
            stack_id=stack.id,
            name="kept",
            project=stack.project,
            action=Action.CREATE,
            status=Status.COMPLETE,
            reason="Stack SNAPSHOT completed successfully",
            created_time=at(0),
            data=data,
        )
        record = replace(record, **changes)
        snapshots.insert(tx, record)
    return record


def show(served: Served, identity: common_pb2.StackIdentity, snapshot_id: str) -> snapshot_pb2.Snapshot:
    request = snapshot_pb2.ShowSnapshotRequest(stack_identity=identity, snapshot_id=snapshot_id)
    found: snapshot_pb2.Snapshot = served.call("ShowSnapshot", request).snapshot
    return found


def test_a_snapshot_is_answered_as_it_begins(served: Served) -> None:
    identity = served.create("begins", TEMPLATE)
    request = snapshot_pb2.StackSnapshotRequest(stack_identity=identity, name="nightly", request_id="once")
    answer = served.call("StackSnapshot", request).snapshot

    assert (answer.name, answer.status) == ("nightly", common_pb2.STATUS_IN_PROGRESS)
    assert (answer.status_reason, answer.action) == ("Stack SNAPSHOT started", snapshot_pb2.SNAPSHOT_ACTION_CREATE)
    assert not answer.HasField("data")
    assert served.call("StackSnapshot", request).snapshot == answer
    assert show(served, identity, answer.id).id == answer.id


def test_a_snapshot_is_shown_with_all_that_it_holds(running: tuple[EngineService, Served]) -> None:
    service, served = running
    identity = served.create("shown", TEMPLATE, tags=["blue"], files={"f": "file"}, parameters={})
    record = kept(service, identity)
    found = show(served, identity, record.id)

    assert (found.id, found.name, found.status) == (record.id, "kept", common_pb2.STATUS_COMPLETE)
    assert found.creation_time.ToDatetime(at(0).tzinfo) == at(0)
    data = found.data
    assert (data.name, data.id, data.template) == ("shown", identity.stack_id, TEMPLATE)
    assert (data.action, data.status) == (common_pb2.STACK_ACTION_SNAPSHOT, common_pb2.STATUS_COMPLETE)
    assert (dict(data.files), list(data.tags), data.project_id) == ({"f": "file"}, ["blue"], "default")
    it = data.resources["it"]
    assert (it.name, it.type, it.action) == ("it", "OS::Heat::Value", common_pb2.RESOURCE_ACTION_CREATE)
    assert not it.HasField("stack")


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        pytest.param({"status": Status.FAILED}, False, id="could not be taken"),
        pytest.param({"action": Action.DELETE, "status": Status.FAILED}, True, id="could not be removed"),
    ],
)
def test_the_data_of_half_a_snapshot_are_not_shown(
    running: tuple[EngineService, Served], changes: dict[str, object], is_shown: bool
) -> None:
    service, served = running
    identity = served.create(f"half-{is_shown}", TEMPLATE)
    found = show(served, identity, kept(service, identity, **changes).id)

    assert (found.status, found.HasField("data")) == (common_pb2.STATUS_FAILED, is_shown)


def test_snapshots_are_listed_page_by_page(running: tuple[EngineService, Served]) -> None:
    service, served = running
    identity = served.create("listed", TEMPLATE)
    ids = [kept(service, identity, created_time=at(n)).id for n in (3, 2, 1)]
    request = snapshot_pb2.StackListSnapshotsRequest(stack_identity=identity, limit=2)
    first = served.call("StackListSnapshots", request)
    request.marker = first.next_marker
    second = served.call("StackListSnapshots", request)

    assert [one.id for one in (*first.snapshots, *second.snapshots)] == ids
    assert (first.next_marker, second.next_marker) == (ids[1], "")


def test_a_page_ends_where_it_grows_too_large(running: tuple[EngineService, Served]) -> None:
    service, served = running
    identity = served.create("large", TEMPLATE, files={"f": "x" * 1_700_000})
    ids = [kept(service, identity, created_time=at(n)).id for n in (2, 1)]
    request = snapshot_pb2.StackListSnapshotsRequest(stack_identity=identity)
    first = served.call("StackListSnapshots", request)

    assert [one.id for one in first.snapshots] == ids[:1]
    assert first.next_marker == ids[0]


def test_a_snapshot_is_removed_and_an_unknown_one_is_not_found(running: tuple[EngineService, Served]) -> None:
    service, served = running
    identity = served.create("removed", TEMPLATE)
    record = kept(service, identity)
    request = snapshot_pb2.DeleteSnapshotRequest(stack_identity=identity, snapshot_id=record.id, request_id="remove")
    served.call("DeleteSnapshot", request)
    service._machinery.groups.stop(StackId(identity.stack_id), graceful=True)
    served.call("DeleteSnapshot", request)

    shown = snapshot_pb2.ShowSnapshotRequest(stack_identity=identity, snapshot_id=record.id)
    refused = served.refusal("ShowSnapshot", shown)
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "SNAPSHOT_NOT_FOUND")


def test_a_restore_begins_and_one_of_half_a_snapshot_is_refused(running: tuple[EngineService, Served]) -> None:
    service, served = running
    identity = served.create("restored", TEMPLATE)
    good, half = kept(service, identity), kept(service, identity, status=Status.FAILED)
    request = snapshot_pb2.StackRestoreRequest(stack_identity=identity, snapshot_id=half.id)
    refused = served.refusal("StackRestore", request)
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVALID_SNAPSHOT_STATE")

    request.snapshot_id = good.id
    served.call("StackRestore", request)
    with service._db.read() as tx:
        stack = stacks.get(tx, StackId(identity.stack_id))
        assert stack is not None
    assert stack.action is Action.RESTORE


def test_a_limit_that_is_negative_is_refused(served: Served) -> None:
    identity = served.create("negative", TEMPLATE)
    request = snapshot_pb2.StackListSnapshotsRequest(stack_identity=identity, limit=-1)

    assert served.refusal("StackListSnapshots", request).reason == "INVALID_ARGUMENT"
