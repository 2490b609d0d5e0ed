"""The floors of ARCHITECTURE.md, as import-linter sees them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_contracts_are_kept() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_floors_are_exhaustive() -> None:
    """A new folder has no floor until someone gives it one; without this setting nobody would notice."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract for contract in contracts if contract["id"] == "floors")

    assert floors["exhaustive"] is True
    assert "exhaustive_ignores" not in floors
    assert all("ignore_imports" not in contract for contract in contracts if contract["id"] in {"floors", "pure-core"})
