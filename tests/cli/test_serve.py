"""`isotherm serve` and `isotherm db`: how a process of the engine begins and ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kit import databases

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ISOTHERM_")}
    return {**own, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "generated")])}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engine", *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_says_one_line_when_ready_and_a_signal_stops_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    arguments = command("serve", "--listen", "127.0.0.1:0")
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)

    assert re.fullmatch(
        r"isotherm ready on 127\.0\.0\.1:[1-9]\d* \(engine [0-9a-f-]{36}, database sqlite:///isotherm\.db\)\n", ready
    )
    assert (rest, process.returncode) == ("", 0), errors
    assert "Traceback" not in errors
    assert (tmp_path / "isotherm.key").stat().st_mode & 0o777 == 0o600


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run(tmp_path, "serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")

    assert result.returncode == 1
    assert "the engine could not start" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_configuration_is_told_with_all_that_is_wrong(tmp_path: Path) -> None:
    result = run(tmp_path, "serve", "--listen", "0.0.0.0:1", "--pool-size", "16")
    both = run(tmp_path, "serve", "--pool-size", "0", "--rpc-workers", "many")

    assert (result.returncode, both.returncode) == (2, 2)
    assert "only goes with a loopback address" in result.stderr
    assert "pool_size (flag)" in both.stderr
    assert "rpc_workers (flag)" in both.stderr


def test_a_notifier_that_there_is_not_is_told_with_those_there_are(tmp_path: Path) -> None:
    result = run(tmp_path, "serve", "--notifications", "log", "--notifications", "mail")

    assert result.returncode == 2
    assert 'notifications: there is no notifier "mail"; there are: log' in result.stderr


def test_db_upgrade_brings_an_empty_database_to_this_version(tmp_path: Path) -> None:
    before = run(tmp_path, "db", "current")
    upgraded = run(tmp_path, "db", "upgrade")
    again = run(tmp_path, "db", "upgrade")

    assert before.stdout.startswith("empty (head is ")
    assert upgraded.stdout.endswith(" (head)\n"), upgraded.stderr
    assert again.stdout == upgraded.stdout


def test_on_a_database_server_it_serves_after_an_upgrade_and_needs_a_key(tmp_path: Path) -> None:
    with databases.postgresql_database() as url:
        keyless = run(tmp_path, "serve", "--database", url)
        upgraded = run(tmp_path, "db", "upgrade", "--database", url)
        keyed = ("--encryption-key-file", "isotherm.key", "--database", url, "--listen", "127.0.0.1:0")
        with subprocess.Popen(
            command("serve", *keyed), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            ready = process.stdout.readline()
            process.send_signal(signal.SIGTERM)

    assert keyless.returncode == 2
    assert "encryption_key_file: this database needs it" in keyless.stderr
    assert upgraded.stdout.endswith(" (head)\n"), upgraded.stderr
    assert ready.startswith("isotherm ready on ")
    assert process.returncode == 0


def test_db_tells_when_there_is_no_such_kind_of_database(tmp_path: Path) -> None:
    result = run(tmp_path, "db", "current", "--database", "nonsense")

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
