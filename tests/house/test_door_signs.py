"""Each package says at its door what lives there, and hands nothing on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "engine").rglob("*.py"))
PACKAGES = sorted({file.parent.relative_to(ROOT).as_posix() for file in MODULES})

# Resource authors import engine.plugin itself; everybody else names the module.
MAY_REEXPORT = {"engine/plugin"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_a_door_sign(package: str) -> None:
    door = ROOT / package / "__init__.py"

    assert door.is_file(), f"{package} has no __init__.py"
    assert ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))), f"{package} has no docstring at its door"


@pytest.mark.parametrize("package", sorted({*PACKAGES} - MAY_REEXPORT))
def test_a_door_hands_nothing_on(package: str) -> None:
    body = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body
    imports = [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]

    assert [line for line in imports if line != "from __future__ import annotations"] == []


def test_each_module_says_what_it_is_for() -> None:
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in MODULES}
    silent = [str(file.relative_to(ROOT)) for file, tree in trees.items() if not ast.get_docstring(tree)]

    assert silent == []
