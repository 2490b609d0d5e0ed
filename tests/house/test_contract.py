"""The proto files: what buf says of them, and that they break no client of the version before."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).with_name("buf")


def git(*arguments: str) -> bytes | None:
    """Return what git prints, or None if it refuses (no such commit, no such path, no repository)."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return result.stdout if result.returncode == 0 else None


def baseline() -> str | None:
    """Return the commit that clients know: main as others have it, or on main itself the commit before."""
    if shutil.which("git") is None:
        return None
    head = git("rev-parse", "HEAD")
    others = (commit for ref in ("origin/main", "main") if (commit := git("rev-parse", "--verify", ref)))
    known = next((commit for commit in others if commit != head), None) or git("rev-parse", "--verify", "HEAD~1")
    return known.decode().strip() if known else None


def test_buf_finds_nothing_to_say() -> None:
    result = subprocess.run([BUF, "lint"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_no_client_of_the_version_before_breaks(tmp_path: Path) -> None:
    commit = baseline()
    if commit is None:
        pytest.skip("there is no earlier commit to compare proto/ with")
    archive = git("archive", "--format=tar", commit, "buf.yaml", "proto")
    if archive is None:
        pytest.skip(f"the commit before, {commit[:12]}, has no proto/ to compare with")
    with tarfile.open(fileobj=io.BytesIO(archive)) as before:
        before.extractall(tmp_path, filter="data")

    result = subprocess.run(
        [BUF, "breaking", "--against", tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
