"""Which test tells which row of what is asked of the engine, as text that is checked against the tests there are.

A row stands at the margin. Below it stand, indented, the names of the tests that tell it, or after `not here:` why no
test does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
FOLDERS: Final = ("lifecycle", "usecases", "api", "cli")  # where a whole engine is told about
EXCUSE: Final = "not here: "


@dataclass(frozen=True, slots=True)
class Row:
    """Something that is asked of the engine."""

    text: str
    stories: tuple[str, ...]  # names of test functions
    excuse: str  # why there are none; "": there are


def parsed(table: str) -> list[Row]:
    """Return the rows of a table."""
    blocks: list[list[str]] = []
    for line in filter(None, map(str.rstrip, table.splitlines())):
        if line.startswith(" "):
            blocks[-1].append(line.strip())
        else:
            blocks.append([line])
    return [_row(text, below) for text, *below in blocks]


def there_are() -> frozenset[str]:
    """Return the names of all test functions of the folders."""
    files = [file for folder in FOLDERS for file in (TESTS / folder).rglob("test_*.py")]
    return frozenset(name for file in files for name in _functions(file))


def _row(text: str, below: list[str]) -> Row:
    excuses = [line.removeprefix(EXCUSE) for line in below if line.startswith(EXCUSE)]
    return Row(text, tuple(line for line in below if not line.startswith(EXCUSE)), "; ".join(excuses))


def _functions(file: Path) -> list[str]:
    tree = ast.parse(file.read_text())
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
