"""What must not be in the repository, and what must not be where."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Folders of one person's or one machine's own; a path under them works nowhere else. A file in /tmp that a
# program makes up is fine, a folder that someone keeps there is not.
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|farm|mnt)/[\w.-]+|(?<![\w.~-])/tmp/[\w.-]+/")
REGISTRY_HOSTS = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host|\bindex-url\s*=")


def tracked() -> list[Path]:
    """Return the files that git tracks or would add; skip the test where nobody can tell."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: no telling which files are the project's")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> str:
    found: list[str] = []
    for file in tracked():
        if file == Path(__file__):
            continue  # it has to name them
        text = file.read_text(encoding="utf-8", errors="replace")
        found += [f"{file.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    return "\n".join(found)


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATHS) == ""


def test_no_file_names_where_packages_come_from() -> None:
    assert lines_with(REGISTRY_HOSTS) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("see /home/ada/isotherm", True, id="a home folder"),
        pytest.param("'/tmp/play/x.db'", True, id="a folder that someone keeps in /tmp"),
        pytest.param("sqlite:////tmp/isotherm.db", False, id="a file in /tmp"),
        pytest.param("proto/work/units", False, id="a folder of ours that is called work"),
        pytest.param("~/work/stacks", False, id="a path from a home folder"),
    ],
)
def test_machine_paths_are_seen(text: str, *, found: bool) -> None:
    assert bool(MACHINE_PATHS.search(text)) == found


def test_the_migrations_are_no_package() -> None:
    """An `__init__.py` in alembic/ would hide the library of that name from all that runs in this folder."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_test_folders_are_no_packages() -> None:
    """Tests are imported by file; a package among them would be imported twice, under two names."""
    packages = [path.parent.name for path in (ROOT / "tests").rglob("__init__.py") if "kit" not in path.parts]

    assert packages == []
