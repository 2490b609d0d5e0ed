"""`isotherm db reset-stack` and `isotherm db purge`, beside a running engine or without one."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import migrate
from kit import databases
from kit.engine_process import EngineProcess

ROOT = Path(__file__).parents[2]
SOURCES = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
HANGS = """heat_template_version: 2021-04-16
resources:
  stuck:
    type: OS::Heat::TestResource
    properties: {action_wait_secs: {create: -1}}
"""
NOWHERE = "00000000-0000-4000-8000-000000000000"


def db(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `isotherm db`, with all that it says in `stdout`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ISOTHERM_")}
    return subprocess.run(
        [sys.executable, "-m", "engine", "db", *arguments],
        cwd=folder,
        env={**own, "PYTHONPATH": SOURCES},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    with EngineProcess(f"sqlite:///{tmp_path}/isotherm.db", python_path=SOURCES) as process:
        yield process


def test_a_stack_that_hangs_is_reset_beside_its_engine_and_then_deleted(engine: EngineProcess, tmp_path: Path) -> None:
    stack_id = engine.create("hung", HANGS)
    for event in engine.watch(stack_id):
        if event.resource_name == "stuck":
            break

    reset = db(tmp_path, "reset-stack", stack_id)

    assert (reset.returncode, reset.stdout) == (0, f"hung ({stack_id}) is CREATE_FAILED\n")
    shown = engine.show("hung")
    assert (shown["state"], shown["stack_status_reason"]) == ("CREATE_FAILED", "Stack status manually reset")

    engine.call("DeleteStack", stack_identity={"stack_name": "hung"})

    assert engine.settled(stack_id)["state"] == "DELETE_COMPLETE"


def test_a_stack_that_is_not_there_is_told(tmp_path: Path) -> None:
    databases.sqlite(tmp_path)
    (tmp_path / "isotherm.key").write_bytes(base64.b64encode(databases.KEY))

    result = db(tmp_path, "reset-stack", NOWHERE)

    assert result.returncode == 4
    assert f"The stack ({NOWHERE}) could not be found" in result.stdout


def test_without_the_keys_of_the_engines_nothing_is_touched_and_no_key_is_made(tmp_path: Path) -> None:
    result = db(tmp_path, "reset-stack", NOWHERE)

    assert result.returncode == 2
    assert "the key file isotherm.key cannot be read" in result.stdout
    assert "needs the keys of the engines" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_database_server_without_a_key_file_is_a_wrong_configuration(tmp_path: Path) -> None:
    result = db(tmp_path, "reset-stack", NOWHERE, "--database", "postgresql://localhost/isotherm")

    assert result.returncode == 2
    assert "encryption_key_file: this database needs it" in result.stdout


def test_tables_of_another_version_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "isotherm.key").write_bytes(base64.b64encode(databases.KEY))

    result = db(tmp_path, "reset-stack", NOWHERE)

    assert result.returncode == 1
    assert f"the database is at empty (head is {migrate.head()})" in result.stdout


def test_what_was_deleted_is_purged_beside_a_running_engine(engine: EngineProcess, tmp_path: Path) -> None:
    for name in ("gone", "kept"):
        engine.settled(engine.create(name, "heat_template_version: 2021-04-16\n"))
    gone = engine.show("gone")["stack_identity"]["stack_id"]
    engine.call("DeleteStack", stack_identity={"stack_name": "gone"})
    engine.settled(gone)

    too_young = db(tmp_path, "purge")
    purged = db(tmp_path, "purge", "0", "--granularity", "seconds", "--batch", "1")

    assert too_young.stdout.splitlines()[0].split() == ["stacks", "0"]
    told = dict(line.split() for line in purged.stdout.splitlines())
    assert (told["stacks"], told["events"], told["definitions"]) == ("1", "4", "1")
    left = engine.call("ListStacks", show_deleted=True)["stacks"]
    assert [stack["stack_name"] for stack in left] == ["kept"]


@pytest.mark.parametrize("age", ["-1", "some", "9999999999"])
def test_an_age_that_is_none_is_refused(tmp_path: Path, age: str) -> None:
    result = db(tmp_path, "purge", "--", age)

    assert result.returncode == 2
    assert "Traceback" not in result.stdout
