"""The calls of actions, as a client makes them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from isotherm.v1 import action_pb2, common_pb2, event_pb2, stack_pb2

from engine.api.interceptors import DETAILS
from kit.served import HOT, Refused, Served

QUICK = f"{HOT}resources: {{it: {{type: OS::Heat::TestResource, properties: {{value: a}}}}}}"
SLOW = f"{HOT}resources: {{it: {{type: OS::Heat::TestResource, properties: {{value: b, wait_secs: 600}}}}}}"
FAILS = f"{HOT}resources: {{it: {{type: OS::Heat::TestResource, properties: {{value: c, fail: true}}}}}}"
ACTIONS = {"StackSuspend": "SUSPEND", "StackResume": "RESUME", "StackCheck": "CHECK"}
CALLS = [*ACTIONS, "StackCancelUpdate", "StackRollback"]


def request(rpc: str, identity: common_pb2.StackIdentity, **fields: object) -> Any:
    return getattr(action_pb2, f"{rpc}Request")(stack_identity=identity, **fields)


def history(served: Served, identity: common_pb2.StackIdentity) -> list[str]:
    """Return the states that a stack itself went through, oldest first."""
    asked = event_pb2.ListEventsRequest(stack_identity=identity, filters={"resource_type": ["OS::Heat::Stack"]})
    events = served.call("ListEvents", asked).events
    states = [
        (common_pb2.ResourceAction.Name(one.resource_action), common_pb2.Status.Name(one.resource_status))
        for one in sorted(events, key=lambda one: one.event_time.ToNanoseconds())
    ]
    return [f"{action[len('RESOURCE_ACTION_') :]}_{status[len('STATUS_') :]}" for action, status in states]


def begin(served: Served, name: str, template: str) -> common_pb2.StackIdentity:
    """Begin to create a stack."""
    created = stack_pb2.CreateStackRequest(stack_name=name, template=template)
    identity: common_pb2.StackIdentity = served.call("CreateStack", created).stack_identity
    return identity


def updating(served: Served, name: str) -> common_pb2.StackIdentity:
    """Return a stack with an update that waits."""
    identity = served.create(name, QUICK)
    served.call("UpdateStack", stack_pb2.UpdateStackRequest(stack_identity=identity, template=SLOW))
    return identity


def retry_info(refused: Refused) -> error_details_pb2.RetryInfo:
    """Return what the caller is told of when to try again; with no delay if nothing."""
    info = error_details_pb2.RetryInfo()
    for packed in Status.FromString(refused.trailing[DETAILS]).details:
        packed.Unpack(info)
    return info


@pytest.mark.parametrize("rpc", ACTIONS)
def test_an_action_has_begun_when_its_call_is_answered(served: Served, rpc: str) -> None:
    identity = served.create(f"begun-{rpc}", QUICK)
    served.call(rpc, request(rpc, identity))

    assert history(served, identity)[2] == f"{ACTIONS[rpc]}_IN_PROGRESS"


@pytest.mark.parametrize("rpc", ACTIONS)
def test_an_action_has_to_wait_for_the_one_before_it_and_is_told_how_long(served: Served, rpc: str) -> None:
    identity = begin(served, f"busy-{rpc}", SLOW)
    refused = served.refusal(rpc, request(rpc, identity))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "STACK_ACTION_IN_PROGRESS")
    assert dict(refused.info.metadata) == {"stack_name": f"busy-{rpc}", "action": "CREATE"}
    assert retry_info(refused).retry_delay.seconds == 5


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        pytest.param({}, "ROLLBACK_IN_PROGRESS", id="nothing said"),
        pytest.param({"cancel_with_rollback": True}, "ROLLBACK_IN_PROGRESS", id="rolled back"),
        pytest.param({"cancel_with_rollback": False}, "UPDATE_FAILED", id="not rolled back"),
    ],
)
def test_a_cancelled_update_is_rolled_back_unless_asked_not_to(
    served: Served, fields: dict[str, bool], last: str
) -> None:
    identity = updating(served, f"cancelled-{last}-{len(fields)}")
    served.call("StackCancelUpdate", request("StackCancelUpdate", identity, **fields))

    assert history(served, identity)[3] == last


def test_an_update_that_is_over_cannot_be_cancelled(served: Served) -> None:
    identity = served.create("over", QUICK)
    refused = served.refusal("StackCancelUpdate", request("StackCancelUpdate", identity))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVALID_STACK_STATE")
    assert refused.info.metadata["state"] == "CREATE_COMPLETE"


def test_a_stack_that_failed_is_rolled_back_when_asked_to(served: Served) -> None:
    identity = served.create("failed", QUICK)
    served.call("UpdateStack", stack_pb2.UpdateStackRequest(stack_identity=identity, template=FAILS))
    served.settle(identity)
    served.call("StackRollback", request("StackRollback", identity))
    served.settle(identity)

    assert history(served, identity)[3:] == ["UPDATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]


def test_what_a_rollback_is_to_skip_must_be_there(served: Served) -> None:
    identity = served.create("skips", FAILS)
    asked = request("StackRollback", identity, skip_resources=["it", "other"])
    refused = served.refusal("StackRollback", asked)

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    assert refused.info.metadata["resource_name"] == "other"


def test_a_stack_that_is_well_is_not_rolled_back(served: Served) -> None:
    identity = served.create("well", QUICK)
    refused = served.refusal("StackRollback", request("StackRollback", identity))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVALID_STACK_STATE")


@pytest.mark.parametrize("rpc", CALLS)
def test_a_repeated_action_begins_once(served: Served, rpc: str) -> None:
    identity = updating(served, f"repeated-{rpc}") if rpc == "StackCancelUpdate" else served.create(rpc, FAILS)
    asked = request(rpc, identity, request_id=f"once-{rpc}")
    answers = [served.call(rpc, asked) for _ in range(3)]
    begun = [state for state in history(served, identity)[2:] if state.endswith("IN_PROGRESS")]

    assert answers == [getattr(action_pb2, f"{rpc}Response")()] * 3
    assert len(begun) == (2 if rpc == "StackCancelUpdate" else 1)


def test_the_same_request_id_for_another_action_is_refused(served: Served) -> None:
    identity = served.create("two-actions", QUICK)
    served.call("StackSuspend", request("StackSuspend", identity, request_id="r"))
    refused = served.refusal("StackResume", request("StackResume", identity, request_id="r"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "REQUEST_ID_REUSED")


@pytest.mark.parametrize("rpc", CALLS)
def test_a_stack_of_another_project_is_not_found(served: Served, rpc: str) -> None:
    identity = begin(served, f"theirs-{rpc}", HOT)
    short = common_pb2.StackIdentity(stack_id=identity.stack_id)
    refused = served.refusal(rpc, request(rpc, short), x_project_id="other")

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "STACK_NOT_FOUND")


@pytest.mark.parametrize("converge", [True, False])
def test_an_update_may_ask_for_a_look_at_what_is_really_there(served: Served, converge: bool) -> None:
    identity = served.create(f"observed-{converge}", QUICK)
    asked = stack_pb2.UpdateStackRequest(stack_identity=identity, template=QUICK, converge=converge)
    served.call("UpdateStack", asked)
    served.settle(identity)

    assert history(served, identity)[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
