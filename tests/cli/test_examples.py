"""The examples do what they say, against a real engine, and the README shows them as they are."""

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
EXAMPLES = ROOT / "examples"
SOURCES = os.pathsep.join([str(ROOT), str(ROOT / "generated")])


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ISOTHERM_")}
    return {**own, "PYTHONPATH": SOURCES}


def run(*command: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**environment(), **variables}, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("engine")
    with EngineProcess(f"sqlite:///{folder}/isotherm.db", python_path=SOURCES) as process:
        yield process


def isotherm(engine: EngineProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "engine", *arguments, ISOTHERM_ENDPOINT=engine.address)


@pytest.mark.slow
def test_the_demo_works() -> None:
    result = run(sys.executable, "examples/demo.py")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "All of it worked." in result.stdout
    assert "no. " in result.stdout
    assert "failing.yaml, line 9: resources.unlucky" in result.stderr


def test_the_python_client_works(engine: EngineProcess) -> None:
    result = run(sys.executable, "examples/python_client.py", engine.address, "from-python", "examples/hello.yaml")

    assert result.returncode == 0, result.stderr
    assert "greeting = Hello, world. Your secret is " in result.stdout


@pytest.mark.timeout(300)
def test_the_node_client_works(engine: EngineProcess, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no node here")
    client = tmp_path / "examples/node_client"
    client.mkdir(parents=True)
    for name in ("client.js", "package.json"):
        shutil.copy(EXAMPLES / "node_client" / name, client)
    (tmp_path / "proto").symlink_to(ROOT / "proto")
    options = ("--no-audit", "--no-fund", "--loglevel=error", f"--cache={tmp_path}/cache")
    installed = run(npm, "install", *options, cwd=client)
    if installed.returncode != 0:
        pytest.skip(f"npm could not install the packages: {installed.stderr[-300:]}")

    result = run(node, "client.js", engine.address, "from-node", str(EXAMPLES / "hello.yaml"), cwd=client)

    assert result.returncode == 0, result.stderr
    assert "greeting = Hello, world. Your secret is " in result.stdout


def test_hello_keeps_its_secret_over_the_update(engine: EngineProcess) -> None:
    def secret() -> str:
        text = isotherm(engine, "stack", "outputs", "hello", "greeting").stdout
        return text.rstrip(".\n").rpartition(" ")[2]

    isotherm(engine, "stack", "create", "hello", "-t", "examples/hello.yaml", "-P", "who=Ada", "--wait")
    before = secret()
    updated = isotherm(engine, "stack", "update", "hello", "-t", "examples/hello-v2.yaml", "-P", "who=Ada", "--wait")
    receipt = isotherm(engine, "stack", "outputs", "hello", "receipt").stdout

    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert len(before) == 12
    assert secret() == before
    assert re.fullmatch(r"\d{6}\n", receipt)


@pytest.mark.parametrize(
    ("template", "environments"),
    [
        ("hello.yaml", []),
        ("hello-v2.yaml", []),
        ("failing.yaml", []),
        ("tree.yaml", ["-e", "examples/tree-env.yaml"]),
        ("language.yaml", []),
        ("cloudformation.json", []),
    ],
)
def test_the_templates_are_valid(engine: EngineProcess, template: str, environments: list[str]) -> None:
    result = isotherm(engine, "template", "validate", "-t", f"examples/{template}", *environments)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"examples/{template} is valid.")


def test_the_language_computes_what_its_example_says(engine: EngineProcess) -> None:
    template = (EXAMPLES / "language.yaml").read_text(encoding="utf-8")
    engine.create("language", template, parameters={"environment": "production", "zones": "east,south"})

    stack = engine.settled("language")
    outputs = {output["output_key"]: output["output_value"] for output in stack["outputs"]}
    assert stack["state"] == "CREATE_COMPLETE"
    assert re.fullmatch(r"[0-9a-f]{64}", outputs.pop("fingerprint"))
    assert outputs == {
        "names": ["spare", "web-east", "web-south"],
        "cores": 16,
        "url": "https://production.example.org/status?zones=east%2Csouth",
        "motd": "Welcome to production, 3 hosts.",
    }


def test_cloudformation_builds_as_hot_does(engine: EngineProcess) -> None:
    engine.create("cfn", (EXAMPLES / "cloudformation.json").read_text(encoding="utf-8"), parameters={"Stage": "live"})

    stack = engine.settled("cfn")
    assert stack["state"] == "CREATE_COMPLETE"
    assert {one["output_key"]: one["output_value"] for one in stack["outputs"]} == {
        "Greeting": "ann and bob",
        "Stage": "live",
    }
    assert stack["parameters"]["AWS::Region"] == "ap-southeast-1"


@pytest.mark.parametrize(
    "file", [pytest.param("python_client.py", id="python"), pytest.param("node_client/client.js", id="node")]
)
def test_the_readme_shows_the_clients_as_they_are(file: str) -> None:
    text = (EXAMPLES / file).read_text(encoding="utf-8").split("\n", 1)[1].strip()

    assert text in (ROOT / "README.md").read_text(encoding="utf-8")
