"""`isotherm resource` and `isotherm stack hooks`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from isotherm.v1 import resource_pb2

from engine.cli.commands import resource as commands
from engine.template.environment_check import HOOKS

SIGNALLED = resource_pb2.ResourceSignalResponse()
MARKED = resource_pb2.ResourceMarkUnhealthyResponse()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param('{"status": "SUCCESS", "n": 3}', {"status": "SUCCESS", "n": 3}, id="a map"),
        pytest.param('"done"', "done", id="a text"),
        pytest.param("null", None, id="nothing, said aloud"),
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_a_signal_carries_json(engine, isotherm, tmp_path: Path, data: str, told: Any, from_file: bool) -> None:
    engine.answers["ResourceSignal"] = SIGNALLED
    file = tmp_path / "data.json"
    file.write_text(data)
    given = ("--data-file", str(file)) if from_file else ("--data", data)

    result = isotherm("resource", "signal", "web", "gate", *given)

    assert (result.exit_code, result.output) == (0, "")
    (request,) = engine.asked["ResourceSignal"]
    assert (request.stack_identity.stack_name, request.resource_name) == ("web", "gate")
    assert MessageToDict(request.details) == told
    assert request.request_id


@pytest.mark.parametrize(("arguments", "printed"), [((), [["FIELD", "VALUE"], ["n", "3"]]), (("-o", "json"), {"n": 3})])
def test_a_signal_that_is_waited_for_tells_the_metadata(engine, isotherm, arguments, printed: object) -> None:
    engine.answers["ResourceSignal"] = resource_pb2.ResourceSignalResponse(metadata={"n": 3})
    result = isotherm("resource", "signal", "web", "gate", "--sync", *arguments)

    assert result.exit_code == 0, result.output
    assert engine.asked["ResourceSignal"][0].sync_call
    found = json.loads(result.stdout) if arguments else [line.split() for line in result.stdout.splitlines()]
    assert found == printed


def test_a_signal_may_carry_nothing(engine, isotherm) -> None:
    engine.answers["ResourceSignal"] = SIGNALLED
    isotherm("resource", "signal", "web", "gate")

    assert not engine.asked["ResourceSignal"][0].HasField("details")
    assert not engine.asked["ResourceSignal"][0].sync_call


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--data", "{"), id="no JSON"),
        pytest.param(("--data", '{"n": NaN}'), id="a number that JSON does not have"),
        pytest.param(("--data", "1", "--data-file", __file__), id="both"),
        pytest.param(("--data-file", "nowhere.json"), id="no file"),
        pytest.param(("--data-file", "."), id="a folder"),
    ],
)
def test_what_is_no_json_is_not_sent(engine, isotherm, arguments: tuple[str, ...]) -> None:
    result = isotherm("resource", "signal", "web", "gate", *arguments)

    assert result.exit_code == 2
    assert engine.asked == {}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_resource_is_let_go_on_from_a_hook(engine, isotherm, hook: str) -> None:
    engine.answers["ResourceSignal"] = SIGNALLED
    result = isotherm("resource", "unset-hook", "web", "gate", hook)

    assert result.exit_code == 0, result.output
    assert MessageToDict(engine.asked["ResourceSignal"][0].details) == {"unset_hook": hook}


def test_a_file_that_is_no_text_is_not_sent(engine, isotherm, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\xff\xfe\xfa")

    result = isotherm("resource", "signal", "web", "gate", "--data-file", str(tmp_path / "data"))

    assert (result.exit_code, engine.asked) == (2, {})
    assert "the data is no JSON" in result.output


def test_a_hook_that_does_not_exist_is_not_sent(engine, isotherm) -> None:
    result = isotherm("resource", "unset-hook", "web", "gate", "pre-suspend")

    assert result.exit_code == 2
    assert all(hook in result.output for hook in HOOKS)
    assert engine.asked == {}


def test_the_command_line_knows_every_hook() -> None:
    assert sorted(commands._HOOKS) == sorted(HOOKS)


@pytest.mark.parametrize(
    ("arguments", "unhealthy", "reason"),
    [
        pytest.param((), True, "", id="without a reason"),
        pytest.param(("the disk is full",), True, "the disk is full", id="with a reason"),
        pytest.param(("--reset",), False, "", id="the mark is taken away"),
        pytest.param(("it works", "--reset"), False, "it works", id="for a reason"),
    ],
)
def test_a_resource_is_marked(engine, isotherm, arguments: tuple[str, ...], unhealthy: bool, reason: str) -> None:
    engine.answers["ResourceMarkUnhealthy"] = MARKED

    result = isotherm("resource", "mark-unhealthy", "web", "vm-7", *arguments)

    assert result.exit_code == 0, result.output
    (request,) = engine.asked["ResourceMarkUnhealthy"]
    assert (request.resource_name, request.mark_unhealthy, request.resource_status_reason) == (
        *("vm-7", unhealthy, reason),
    )
    assert request.HasField("mark_unhealthy")


def test_those_that_wait_at_a_hook_are_listed_with_their_stack(engine, isotherm) -> None:
    gate = {"resource_name": "gate", "resource_type": "T", "resource_action": 11, "resource_status": 2}
    engine.answers["ListStackResources"] = [
        resource_pb2.ListStackResourcesResponse(
            resources=[
                resource_pb2.Resource(resource_name="free", stack_name="web"),
                resource_pb2.Resource(**gate, stack_name="web", hook="pre-create"),
            ],
            next_marker="m",
        ),
        resource_pb2.ListStackResourcesResponse(
            resources=[resource_pb2.Resource(**gate, stack_name="web-inner", hook="post-delete")]
        ),
    ]
    lines = isotherm("stack", "hooks", "web").stdout.splitlines()[1:]

    assert [line.split() for line in lines] == [
        ["web", "gate", "pre-create", "INIT_COMPLETE", "T"],
        ["web-inner", "gate", "post-delete", "INIT_COMPLETE", "T"],
    ]
    assert engine.asked["ListStackResources"][0].nested_depth > 1_000


def test_programs_get_the_hooks_as_data(engine, isotherm) -> None:
    engine.answers["ListStackResources"] = resource_pb2.ListStackResourcesResponse(
        resources=[resource_pb2.Resource(resource_name="gate", hook="pre-create")]
    )
    (found,) = json.loads(isotherm("stack", "hooks", "web", "-o", "json").stdout)

    assert (found["resource_name"], found["hook"]) == ("gate", "pre-create")


def test_what_an_engine_refuses_is_told(engine, isotherm, refuse) -> None:
    text = 'The "pre-create" hook is not defined on gate'
    engine.answers["ResourceSignal"] = refuse(grpc.StatusCode.FAILED_PRECONDITION, "HOOK_NOT_SET", text)

    result = isotherm("resource", "unset-hook", "web", "gate", "pre-create")

    assert result.exit_code == 3
    assert f"{text} (HOOK_NOT_SET)" in result.output
