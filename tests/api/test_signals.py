"""ResourceSignal and ResourceMarkUnhealthy, as a client calls them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Value
from isotherm.v1 import common_pb2, event_pb2, resource_pb2, stack_pb2

from engine.model.ids import StackId
from engine.model.records import Hook
from engine.store import resources, stacks, walks
from engine.store.crypto import Keys
from engine.store.database import Database
from kit import served as engines
from kit import stored
from kit.served import HOT, Served

Identity = common_pb2.StackIdentity
GATE = f"""{HOT}
resources:
  gate: {{type: OS::Heat::RandomString, metadata: {{shelf: [1, 2.5]}}}}
  other: {{type: OS::Heat::None}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    with engines.engine(folder) as (_, client):
        yield client


@pytest.fixture
def db(folder: Path, served: Served) -> Iterator[Database]:
    """Return the engine's own database, to put a resource where walks do not lead yet."""
    database = Database.open(f"sqlite:///{folder}/isotherm.db", Keys.from_file(folder / "isotherm.key"))
    yield database
    database.close()


def waiting(db: Database, identity: Identity, point: str) -> None:
    """Let the resource gate of a stack wait at a hook."""
    with db.write() as tx:
        stack = stacks.get(tx, StackId(identity.stack_id))
        assert stack is not None
        (row,) = resources.named(tx, stack.id, "gate")
        at_the_hook = replace(row, hook=Hook(point, stack.traversal))
        assert walks.amend(tx, at_the_hook, traversal=stack.traversal, event=stored.event(stack, "gate"))


def signal(identity: Identity, details: Any = None, **fields: Any) -> resource_pb2.ResourceSignalRequest:
    request = resource_pb2.ResourceSignalRequest(**{"resource_name": "gate", "stack_identity": identity, **fields})
    if isinstance(details, dict):
        request.details.struct_value.update(details)
    elif details is not None:
        request.details.CopyFrom(Value(string_value=details))
    return request


def mark(identity: Identity, **fields: Any) -> resource_pb2.ResourceMarkUnhealthyRequest:
    return resource_pb2.ResourceMarkUnhealthyRequest(
        **{"stack_identity": identity, "resource_name": "gate", "mark_unhealthy": True, **fields}
    )


def gate(served: Served, identity: Identity) -> resource_pb2.Resource:
    request = resource_pb2.ListStackResourcesRequest(
        stack_identity=identity, filters=resource_pb2.ResourceFilters(name=["gate"])
    )
    (found,) = served.call("ListStackResources", request).resources
    return found


def test_a_resource_shows_the_hook_that_it_waits_at_until_it_is_let_go_on(served: Served, db: Database) -> None:
    identity = served.create("hooked", GATE)
    before = gate(served, identity).hook
    waiting(db, identity, "post-create")
    at_the_hook = gate(served, identity).hook

    answer = served.call("ResourceSignal", signal(identity, {"unset_hook": "post-create"}))

    assert (before, at_the_hook, gate(served, identity).hook) == ("", "post-create", "")
    assert not answer.HasField("metadata")


def test_a_call_that_waits_gets_the_metadata(served: Served, db: Database) -> None:
    identity = served.create("waited-for", GATE)
    waiting(db, identity, "pre-update")

    answer = served.call("ResourceSignal", signal(identity, {"unset_hook": "pre-update"}, sync_call=True))

    assert list(answer.metadata["shelf"]) == [1, 2.5]


def test_a_signal_that_comes_again_gets_the_first_answer(served: Served, db: Database) -> None:
    identity = served.create("repeated", GATE)
    waiting(db, identity, "pre-update")
    request = signal(identity, {"unset_hook": "pre-update"}, sync_call=True, request_id="signal-once")
    first = served.call("ResourceSignal", request)

    assert served.call("ResourceSignal", request) == first
    other = mark(identity, request_id="signal-once")
    assert served.refusal("ResourceMarkUnhealthy", other).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("details", "fields", "code", "reason"),
    [
        ({"unset_hook": "pre-create"}, {}, grpc.StatusCode.FAILED_PRECONDITION, "HOOK_NOT_SET"),
        ({"unset_hook": "pre-suspend"}, {}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_BREAKPOINT_HOOK"),
        ({"status": "SUCCESS"}, {}, grpc.StatusCode.FAILED_PRECONDITION, "RESOURCE_ACTION_NOT_SUPPORTED"),
        ("unset_hook", {}, grpc.StatusCode.FAILED_PRECONDITION, "RESOURCE_ACTION_NOT_SUPPORTED"),
        (None, {}, grpc.StatusCode.FAILED_PRECONDITION, "RESOURCE_ACTION_NOT_SUPPORTED"),
        (None, {"resource_name": "nothing"}, grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND"),
        ({"n": float("inf")}, {}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    ],
    ids=str,
)
def test_a_signal_that_cannot_be_delivered_is_refused(
    served: Served, details: Any, fields: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    identity = served.create(f"refusing-{stored.new_id()}", GATE)

    refused = served.refusal("ResourceSignal", signal(identity, details, **fields))

    assert (refused.code, refused.reason) == (code, reason)


def test_a_resource_is_marked_and_the_mark_taken_away(served: Served) -> None:
    identity = served.create("marked", GATE)
    by_id = mark(identity, resource_name=gate(served, identity).physical_resource_id, resource_status_reason="broken")
    served.call("ResourceMarkUnhealthy", by_id)
    marked = gate(served, identity)
    served.call("ResourceMarkUnhealthy", mark(identity, mark_unhealthy=False))
    healthy = gate(served, identity)

    checked = common_pb2.RESOURCE_ACTION_CHECK
    assert (marked.resource_action, marked.resource_status) == (checked, common_pb2.STATUS_FAILED)
    assert marked.resource_status_reason == "broken"
    assert (healthy.resource_action, healthy.resource_status) == (checked, common_pb2.STATUS_COMPLETE)
    assert healthy.resource_status_reason == "state changed by resource_mark_unhealthy api"


def test_it_must_be_said_whether_a_resource_is_unhealthy(served: Served) -> None:
    identity = served.create("unsaid", GATE)

    refused = served.refusal("ResourceMarkUnhealthy", mark(identity, mark_unhealthy=None))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert refused.message == "mark_unhealthy is not a boolean"
    assert refused.violations[0][0] == "mark_unhealthy"


def test_a_stack_that_is_busy_takes_no_mark(served: Served) -> None:
    waits = "{type: OS::Heat::TestResource, properties: {action_wait_secs: {create: -1}}}"
    request = stack_pb2.CreateStackRequest(stack_name="busy", template=f"{HOT}resources:\n  gate: {waits}\n")
    identity = served.call("CreateStack", request).stack_identity
    for answer in served.call("WatchEvents", event_pb2.WatchEventsRequest(stack_identity=identity)):
        if answer.event.resource_name == "gate":
            break

    refused = served.refusal("ResourceMarkUnhealthy", mark(identity))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "STACK_ACTION_IN_PROGRESS")
    served.delete(identity)
