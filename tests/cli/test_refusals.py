"""The exit codes that the README promises, and what is said with them."""

from __future__ import annotations

import socket
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from isotherm.v1 import stack_pb2

from engine.cli import exits
from engine.cli.main import main

ROOT = Path(__file__).parents[2]
CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 3,
    grpc.StatusCode.ALREADY_EXISTS: 3,
    grpc.StatusCode.FAILED_PRECONDITION: 3,
    grpc.StatusCode.PERMISSION_DENIED: 3,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 3,
    grpc.StatusCode.UNIMPLEMENTED: 3,
    grpc.StatusCode.NOT_FOUND: 4,
    grpc.StatusCode.UNAVAILABLE: 5,
    grpc.StatusCode.DEADLINE_EXCEEDED: 6,
    grpc.StatusCode.INTERNAL: 7,
}


@pytest.mark.parametrize(("code", "exit_code"), [pytest.param(*pair, id=pair[0].name) for pair in CODES.items()])
def test_each_status_has_its_exit_code(engine, refuse, isotherm, code, exit_code) -> None:
    engine.answers["ShowStack"] = refuse(code, "SOME_REASON", "It cannot be.")

    result = isotherm("stack", "show", "web")

    assert result.exit_code == exit_code
    assert result.stderr == "Error: It cannot be. (SOME_REASON)\n"


def test_all_problems_are_listed_with_place_path_and_text(engine, refuse, isotherm) -> None:
    problems = (
        ("resources.a.type", "line 4: there is no such type"),
        ("resources.b.properties.length", "member.yaml: line 9: 0 is too short"),
        ("", "and 2 more problems"),
    )
    engine.answers["ShowStack"] = refuse(grpc.StatusCode.INVALID_ARGUMENT, "STACK_VALIDATION_FAILED", "no", problems)

    result = isotherm("stack", "show", "web")

    assert result.stderr.splitlines() == [
        "Error: 3 problems (STACK_VALIDATION_FAILED)",
        "  line 4: resources.a.type: there is no such type",
        "  member.yaml: line 9: resources.b.properties.length: 0 is too short",
        "  and 2 more problems",
    ]


def test_no_engine_is_exit_code_5_and_a_hint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"

        result = CliRunner().invoke(main, ["stack", "list", "--endpoint", address])

    assert result.exit_code == 5
    assert f"no engine answers at {address}" in result.stderr
    assert "isotherm serve" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["stack", "create", "web"], id="no template"),
        pytest.param(["stack", "create", "web", "-t", "nowhere.yaml"], id="no such file"),
        pytest.param(["stack", "update", "web", "-P", "novalue"], id="a parameter without a value"),
        pytest.param(["stack", "preview", "web"], id="a new stack without a template"),
        pytest.param(["stack", "update", "web", "--clear-parameter", "a"], id="nothing is kept that could be cleared"),
        pytest.param(["stack", "diff", "web", "--clear-parameter", "a"], id="nothing is kept, in a diff"),
        pytest.param(
            ["stack", "preview", "web", "--update", "--clear-parameter", "a"], id="nothing is kept, in a preview"
        ),
        pytest.param(["stack", "preview", "web", "--existing"], id="a new stack keeps nothing"),
        pytest.param(["stack", "events", "web", "--follow", "--action", "CREATE"], id="a filter of what is followed"),
        pytest.param(["stack", "delete", "web", "--request-id", ""], id="an id that is none"),
        pytest.param(["snapshot", "delete", "web", "1", "-o", "json"], id="a format of nothing"),
        pytest.param(["resource", "unset-hook", "web", "a", "pre-create", "-o", "json"], id="a format of no hook"),
        pytest.param(["resource", "mark-unhealthy", "web", "a", "-o", "json"], id="a format of no mark"),
        pytest.param(["nonsense"], id="no such command"),
        pytest.param(["config", "show", "--listen", "nowhere"], id="an address that is none"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(arguments) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_a_call_that_found_nobody_is_tried_again(engine, refuse, isotherm) -> None:
    gone = refuse(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "going")
    engine.answers["ListStacks"] = [gone, stack_pb2.ListStacksResponse()]

    assert isotherm("stack", "list").exit_code == 0
    assert len(engine.asked["ListStacks"]) == 2


def test_the_readme_and_the_help_tell_every_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    for code in exits.ExitCode:
        assert f"\n  {code.value} " in exits.EXPLAINED
        assert f"| {code.value} |" in readme
