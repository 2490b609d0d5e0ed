"""The sizes of the house: what outgrows them has a second idea in it.

They are counted here and not by ruff, because ruff counts statements where we count lines, and cannot tell an
argument that is passed by position from one that is named. Docstrings are free: nobody should have to choose
between a short function and an explained one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODULE_LINES = 500
FUNCTION_LINES = 60
CLASS_METHODS = 15
PARAMETERS = 5
POSITIONAL_PARAMETERS = 4  # two is the habit; whether a third reads well unnamed, the reviewer says
NESTED_BLOCKS = 3

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Check = Callable[[ast.Module], Iterator[str]]


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function) and "overload" not in decorators(node))


def decorators(function: Function) -> set[str]:
    """Return the dotted names of the decorators, without their arguments."""
    return {ast.unparse(item.func if isinstance(item, ast.Call) else item) for item in function.decorator_list}


def lines_of(function: Function) -> int:
    assert function.end_lineno is not None
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None or first.end_lineno is None:
        return total
    return total - (first.end_lineno - first.lineno + 1)


def parameters(function: Function) -> tuple[int, int]:
    """Return how many parameters can be passed by position, and how many there are; self is not counted."""
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if positional and positional[0] in {"self", "cls", "mcs"}:
        positional = positional[1:]
    return len(positional), len(positional) + len(function.args.kwonlyargs)


def depth(statements: Iterable[ast.AST]) -> int:
    """Return how deep blocks stand in blocks; a nested function or class starts from nothing again."""
    return max((depth_of(node) for node in statements), default=0)


def depth_of(node: ast.AST) -> int:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return max(1 + depth(node.body), depth_of(node.orelse[0]))  # elif stands beside its if, not in it
    inner = depth(ast.iter_child_nodes(node))
    return inner + 1 if isinstance(node, BLOCKS) else inner


def long_functions(tree: ast.Module) -> Iterator[str]:
    for function in functions(tree):
        if (lines := lines_of(function)) > FUNCTION_LINES:
            yield f"{function.name}: {lines} lines, at most {FUNCTION_LINES}"


def wide_functions(tree: ast.Module) -> Iterator[str]:
    for function in functions(tree):
        if any("command" in name for name in decorators(function)):
            continue  # a command of the command line takes one parameter per option, all by name
        positional, total = parameters(function)
        if total > PARAMETERS:
            yield f"{function.name}: {total} parameters, at most {PARAMETERS}; a value type is missing"
        elif positional > POSITIONAL_PARAMETERS and not function.name.startswith("__"):
            yield f"{function.name}: {positional} by position, at most {POSITIONAL_PARAMETERS}; name the rest"


def deep_functions(tree: ast.Module) -> Iterator[str]:
    for function in functions(tree):
        if (deepest := depth(function.body)) > NESTED_BLOCKS:
            yield f"{function.name}: blocks {deepest} deep, at most {NESTED_BLOCKS}"


def large_classes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        names = {member.name for member in node.body if isinstance(member, Function)}
        methods = [name for name in names if not name.startswith("__")]
        if len(methods) > CLASS_METHODS:
            yield f"{node.name}: {len(methods)} methods, at most {CLASS_METHODS}"


def offenders(check: Check, files: Iterable[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {finding}"
        for file in files
        for finding in check(ast.parse(file.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(
    ("check", "folders"),
    [
        pytest.param(
            long_functions, ["engine", "tests", "alembic", "benchmarks", "examples"], id="functions are short"
        ),
        pytest.param(wide_functions, ["engine"], id="functions take few parameters, and fewer by position"),
        pytest.param(deep_functions, ["engine", "tests", "benchmarks"], id="blocks are nested three deep at most"),
        pytest.param(large_classes, ["engine", "tests", "benchmarks"], id="classes have few methods"),
    ],
)
def test_sizes(check: Check, folders: list[str]) -> None:
    found = offenders(check, sources(*folders))

    assert not found, "\n".join(found)


def test_modules_are_short() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in sources("engine", "tests", "alembic", "benchmarks", "examples")
    }
    found = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > MODULE_LINES]

    assert not found, "\n".join(found)


DEEP = """
def f(a):
    for b in a:
        if b:
            with b:
                if a: pass
"""
BESIDE = """
def f(a):
    for b in a:
        with b:
            if a == 1: pass
            elif a == 2: pass
            elif a == 3: pass
            else: pass
"""


@pytest.mark.parametrize(
    ("check", "source", "found"),
    [
        pytest.param(long_functions, "def f():\n" + "    pass\n" * 60, 1, id="61 lines"),
        pytest.param(long_functions, "def f():\n" + "    pass\n" * 59, 0, id="60 lines"),
        pytest.param(long_functions, 'def f():\n    """' + "x\n" * 90 + '"""\n', 0, id="a long docstring"),
        pytest.param(wide_functions, "def f(a, b, c, d, e): pass", 1, id="five by position"),
        pytest.param(
            wide_functions,
            "class C:\n    def f(self, a, b, *, c, d, e): pass",
            0,
            id="five, three of them named",
        ),
        pytest.param(wide_functions, "def f(a, *, b, c, d, e, f): pass", 1, id="six"),
        pytest.param(wide_functions, "@group.command()\ndef f(a, b, c, d, e, f): pass", 0, id="a command"),
        pytest.param(deep_functions, DEEP, 1, id="four deep"),
        pytest.param(deep_functions, BESIDE, 0, id="elif is not deeper"),
        pytest.param(
            large_classes,
            "class C:\n" + "".join(f"    def f{i}(self): pass\n" for i in range(16)),
            1,
            id="16 methods",
        ),
    ],
)
def test_the_checks_see_what_they_look_for(check: Check, source: str, found: int) -> None:
    assert len(list(check(ast.parse(source)))) == found
