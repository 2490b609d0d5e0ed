"""The committed stubs are what proto/ says now, and load on their own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"


def stubs(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*_pb2*") if path.suffix in {".py", ".pyi"})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_stubs_are_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / ".ci" / "stubs.py", tmp_path], check=True)
    expected, actual = stubs(tmp_path), stubs(GENERATED)

    assert expected, "proto/ gave no stubs at all"
    stale = [name for name in sorted(expected | actual) if expected.get(name) != actual.get(name)]
    assert not stale, "stale, missing or left over; run `make proto`: " + ", ".join(stale)


def test_each_stub_loads() -> None:
    names = [name.removesuffix(".py").replace("/", ".") for name in stubs(GENERATED) if name.endswith(".py")]

    assert all(importlib.import_module(name) for name in names)


def test_the_stubs_are_for_the_oldest_protobuf_that_we_support() -> None:
    """Stubs written for 6.31 load on 6.31 and on every 7; newer ones would shut out who is still on 6.31."""
    versions = {line for text in stubs(GENERATED).values() for line in text.splitlines() if b"Protobuf Python" in line}

    assert versions == {b"# Protobuf Python Version: 6.31.1"}
