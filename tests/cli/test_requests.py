"""`--request-id`: what is asked for twice is done once, and whoever asks again is not left waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from isotherm.v1 import (
    action_pb2,
    event_pb2,
    resource_pb2,
    snapshot_pb2,
    stack_export_pb2,
    stack_pb2,
    template_pb2,
)

IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}
CHANGES: dict[str, tuple[tuple[str, ...], Any]] = {
    "CreateStack": (
        ("stack", "create", "web", "-t", "TEMPLATE"),
        stack_pb2.CreateStackResponse(stack_identity=IDENTITY),
    ),
    "UpdateStack": (
        ("stack", "update", "web", "-t", "TEMPLATE"),
        stack_pb2.UpdateStackResponse(stack_identity=IDENTITY),
    ),
    "DeleteStack": (("stack", "delete", "web"), stack_pb2.DeleteStackResponse()),
    "StackSuspend": (("stack", "suspend", "web"), action_pb2.StackSuspendResponse()),
    "StackResume": (("stack", "resume", "web"), action_pb2.StackResumeResponse()),
    "StackCheck": (("stack", "check", "web"), action_pb2.StackCheckResponse()),
    "StackCancelUpdate": (("stack", "cancel", "web"), action_pb2.StackCancelUpdateResponse()),
    "StackRollback": (("stack", "rollback", "web"), action_pb2.StackRollbackResponse()),
    "AbandonStack": (("stack", "abandon", "web"), stack_export_pb2.AbandonStackResponse(adopt_stack_data="{}")),
    "StackSnapshot": (("snapshot", "take", "web"), snapshot_pb2.StackSnapshotResponse()),
    "DeleteSnapshot": (("snapshot", "delete", "web", "1"), snapshot_pb2.DeleteSnapshotResponse()),
    "StackRestore": (("snapshot", "restore", "web", "1"), snapshot_pb2.StackRestoreResponse()),
    "ResourceSignal": (("resource", "signal", "web", "gate"), resource_pb2.ResourceSignalResponse()),
    "ResourceMarkUnhealthy": (
        ("resource", "mark-unhealthy", "web", "gate"),
        resource_pb2.ResourceMarkUnhealthyResponse(),
    ),
}
HOOK = ("resource", "unset-hook", "web", "gate", "pre-create")
EACH = pytest.mark.parametrize(
    ("rpc", "arguments"), [*((rpc, words) for rpc, (words, _) in CHANGES.items()), ("ResourceSignal", HOOK)]
)


@pytest.fixture
def changing(engine, stack_in):
    """Return an engine that does what it is asked."""
    engine.answers |= {rpc: answer for rpc, (_, answer) in CHANGES.items()}
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "GetTemplate": template_pb2.GetTemplateResponse(template="resources: {}"),
        "ShowStack": stack_in("CREATE_COMPLETE"),
    }
    return engine


@pytest.fixture
def change(isotherm, tmp_path: Path):
    """Return the command line, with a file where it says TEMPLATE."""
    file = tmp_path / "web.yaml"
    file.write_text("resources: {}")
    return lambda *arguments: isotherm(*(str(file) if word == "TEMPLATE" else word for word in arguments))


@EACH
def test_each_change_carries_the_id_that_it_is_given(changing, change, rpc: str, arguments: tuple[str, ...]) -> None:
    result = change(*arguments, "--request-id", "one")

    assert result.exit_code == 0, result.output
    assert [request.request_id for request in changing.asked[rpc]] == ["one"]


@EACH
def test_else_each_invocation_has_an_id_of_its_own(changing, change, rpc: str, arguments: tuple[str, ...]) -> None:
    change(*arguments)
    change(*arguments)
    first, second = (request.request_id for request in changing.asked[rpc])

    assert "" not in (first, second)
    assert first != second


@pytest.mark.parametrize(
    ("code", "is_told"), [(grpc.StatusCode.INTERNAL, True), (grpc.StatusCode.FAILED_PRECONDITION, False)]
)
def test_the_id_is_told_if_nobody_knows_whether_it_was_done(changing, change, refuse, code, is_told: bool) -> None:
    changing.answers["StackCheck"] = refuse(code, "SOME_REASON", "It cannot be.")
    result = change("stack", "check", "web")

    assert (f"--request-id {changing.asked['StackCheck'][0].request_id}" in result.stderr) is is_told


@pytest.mark.parametrize(
    "arguments",
    [("stack", "update", "web", "-t", "TEMPLATE"), ("stack", "suspend", "web"), ("snapshot", "restore", "web", "1")],
)
def test_a_repetition_does_not_wait_for_what_is_over(changing, change, stack_in, happening, arguments) -> None:
    state = {"update": "UPDATE", "suspend": "SUSPEND", "restore": "RESTORE"}[arguments[1]] + "_COMPLETE"
    changing.events = [happening("web", state)]
    changing.answers["ListEvents"] = event_pb2.ListEventsResponse(events=changing.events)
    changing.answers["ShowStack"] = stack_in(state)
    result = change(*arguments, "--wait", "--request-id", "one")

    assert result.exit_code == 0, result.output
    assert state in result.stdout
    assert "WatchEvents" not in changing.asked


def test_a_repetition_waits_for_what_still_goes_on(changing, change, stack_in, happening) -> None:
    begun = happening("web", "SUSPEND_IN_PROGRESS")
    changing.events = [begun, happening("web", "SUSPEND_COMPLETE")]
    changing.answers["ListEvents"] = event_pb2.ListEventsResponse(events=[begun])
    changing.answers["ShowStack"] = [stack_in("SUSPEND_IN_PROGRESS"), stack_in("SUSPEND_COMPLETE")]
    result = change("stack", "suspend", "web", "--wait", "--request-id", "one")

    assert result.exit_code == 0, result.output
    assert changing.asked["WatchEvents"][0].after_event_id == begun.event_id
