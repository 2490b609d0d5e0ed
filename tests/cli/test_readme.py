"""The session in the README is what really happens: it is typed into a shell again, and compared.

With `--update-golden` what happens now is written into the README, for a person to read the difference.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.engine_process import EngineProcess

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SESSION = re.compile(r"```console\n(.*?)```", re.DOTALL)
ADDRESS = "127.0.0.1:8790"

# What differs each time.
VARYING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "<id>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "<time>",
    r'"output_value": "\d"': '"output_value": "<digit>"',
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    sources = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    with EngineProcess(f"sqlite:///{tmp_path}/isotherm.db", python_path=sources) as process:
        yield process


def typed(command: str, engine: EngineProcess) -> str:
    """Return what a shell shows when the command is typed into it."""
    beside = Path(sys.executable).parent
    result = subprocess.run(
        ["bash", "-c", f"{command} 2>&1".replace(ADDRESS, engine.address)],
        env={**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.expandtabs(1).splitlines())


def same(text: str) -> str:
    for pattern, mask in VARYING.items():
        text = re.sub(pattern, mask, text)
    return text


def test_the_session_with_grpcurl_runs_as_written(engine: EngineProcess, request: pytest.FixtureRequest) -> None:
    if shutil.which("grpcurl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") is None:
        pytest.skip("there is no grpcurl here")
    readme = README.read_text(encoding="utf-8")
    found = SESSION.search(readme)
    assert found is not None
    commands = re.findall(r"^\$ ((?:.*\\\n)*.*)$", found[1], re.MULTILINE)

    actual = "".join(f"$ {command}\n{typed(command, engine)}" for command in commands)

    if request.config.getoption("--update-golden"):
        README.write_text(readme.replace(found[1], actual), encoding="utf-8")
    else:
        assert same(actual) == same(found[1])
