"""The case tables in `functions/`: every intrinsic function, its forms in the versions, its nulls and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.model.problems import Problem
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import dialects, expressions
from engine.template.expressions import EvaluationError, Expr, Findings, Literal
from engine.template.parameters import ParameterValues
from engine.template.reader import Reader
from engine.template.scopes import Conditions, NodeValue, StaticScope, WalkScope
from engine.template.source import Document

TABLES = Path(__file__).parent / "functions"
PARAMETERS = ParameterValues(
    {
        "s": "text",
        "key": "a",
        "which": "a",
        "flag": True,
        "j": {"a": [10, {"b": "c"}], "nothing": None},
        "j2": {"key": "value"},
        "looks_like_a_call": {"get_param": "s"},
        "long": "x" * 10_000,
        "longs": ["x"] * 1_000,
    }
)
FILES = {"readme": "{get_param: s}"}
CONDITIONS = Conditions({"yes": Literal(True), "no": Literal(False)}, PARAMETERS, FILES)
VALUES = {
    "a": NodeValue("id-a", {"value": "v", "data": {"list": ["x", "y"]}, "show": {"raw": 1}}),
    "b": NodeValue("id-b", {"value": 1}),
}
WALK = WalkScope(PARAMETERS, FILES, CONDITIONS, dict.fromkeys(VALUES), VALUES)
BEFORE = StaticScope(PARAMETERS, FILES, CONDITIONS, {name: TypeSchema("T", any_attribute=True) for name in VALUES})


def _cases() -> Iterator[Any]:
    for table in sorted(TABLES.glob("*.yaml")):
        for name, case in yaml.safe_load(table.read_text(encoding="utf-8")).items():
            yield pytest.param(case, id=f"{table.stem}: {name}")


CASES = list(_cases())


def read(case: dict[str, Any]) -> tuple[Expr, list[Problem]]:
    dialect = dialects.select({dialects.HOT: case.get("version", dialects.newest())})
    problems: list[Problem] = []
    document = Document({"resources": {"r": {"properties": {"x": case["expr"]}}}})
    reader = Reader(dialect.language, document, problems)
    return reader.read(case["expr"], ("resources", "r", "properties", "x")), problems


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    expr, problems = read(case)
    try:
        found = None if problems else expressions.evaluate(expr, WALK)
    except EvaluationError as error:
        problems.append(error.problem)

    if "problem" in case:
        assert any(case["problem"] in problem.summary for problem in problems), problems
        assert all(problem.path[:4] == ("resources", "r", "properties", "x") for problem in problems)
    else:
        assert problems == []
        assert found == case["result"]


@pytest.mark.parametrize("case", CASES)
def test_before_the_walk_the_same_is_found_or_nothing_is_known(case: dict[str, Any]) -> None:
    """The same tables with no resource built: a value is the later one or not known, an error is the later one."""
    expr, problems = read(case)
    findings = Findings()
    found = expressions.explore(expr, BEFORE, findings)
    wrong = [*problems, *findings.errors, *findings.shapes]

    if "problem" in case:
        assert any(case["problem"] in problem.summary for problem in wrong)
    else:
        assert wrong == []
        assert agrees(found, case["result"])


def agrees(early: Any, late: Any) -> bool:
    if early is UNKNOWN:
        return True
    if isinstance(early, dict):
        return isinstance(late, dict) and all(agrees(value, late.get(key)) for key, value in early.items())
    if isinstance(early, list):
        return isinstance(late, list) and len(early) == len(late) and all(map(agrees, early, late))
    return bool(early == late)


def test_every_function_has_cases() -> None:
    texts = "".join(table.read_text(encoding="utf-8") for table in TABLES.glob("*.yaml"))
    info = dialects.versions()[-1].version
    names = {function.name for function in dialects.functions_of(info, with_condition=True)}

    assert {name for name in names if f"{{{name}:" not in texts} == set()
