"""The case tables in `functions/`: every intrinsic function, its forms in the versions, its nulls and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.model.problems import Problem
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import dialects, expressions, queries
from engine.template.expressions import EvaluationError, Expr, Facade, Findings, Literal
from engine.template.facts import Facts
from engine.template.parameters import ParameterValues
from engine.template.reader import Language, Reader
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
        "longer": ["z" * 50_000] * 3,
        "many": ["y"] * 100_000,
    }
)
FILES = {"readme": "{get_param: s}"}
MAPPINGS = {"regions": {"east": {"image": "e1", "none": None}}}
FACADE = Facade({"role": "db"}, "Retain", {"max": 2})
CONDITION_EXPRESSIONS = {"yes": Literal(True), "no": Literal(False)}
FACTS = Facts(PARAMETERS, FILES, MAPPINGS, FACADE, queries)
CONDITIONS = Conditions(CONDITION_EXPRESSIONS, FACTS)
KEYS = {"2010-09-09": dialects.AWS, "2012-12-12": dialects.HEAT_CFN}  # version → its key, where it is not HOT's
VALUES = {
    "a": NodeValue("id-a", {"value": "v", "data": {"list": ["x", "y"]}, "show": {"raw": 1}}),
    "b": NodeValue("id-b", {"value": 1}),
}
SCHEMAS = {name: TypeSchema("T", any_attribute=True) for name in VALUES}


def _cases() -> Iterator[Any]:
    for table in sorted(TABLES.glob("*.yaml")):
        for name, case in yaml.safe_load(table.read_text(encoding="utf-8")).items():
            yield pytest.param(case, id=f"{table.stem}: {name}")


CASES = list(_cases())


def read(case: dict[str, Any]) -> tuple[Expr, list[Problem]]:
    version = case.get("version", dialects.newest())
    problems: list[Problem] = []
    document = Document({"resources": {"r": {"properties": {"x": case["expr"]}}}})
    reader = Reader(language_of(version), document, problems)
    return reader.read(case["expr"], ("resources", "r", "properties", "x")), problems


def facts_of(case: dict[str, Any]) -> Facts:
    """Return facts with a whole allowance, so that no case spends what the next one needs."""
    facts = FACTS.renewed()
    return replace(facts, facade=None) if case.get("is_root") else facts


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    expr, problems = read(case)
    scope = WalkScope(facts_of(case), CONDITIONS, dict.fromkeys(VALUES), VALUES)
    try:
        found = None if problems else expressions.evaluate(expr, scope)
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
    found = expressions.explore(expr, StaticScope(facts_of(case), CONDITIONS, SCHEMAS), findings)
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


def calls(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may be a call in plain data: the key of a map with one entry, and what it is given."""
    if isinstance(data, dict):
        if len(data) == 1:
            yield from data.items()
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from calls(item)


def language_of(version: str) -> Language:
    return dialects.select({KEYS.get(version, dialects.HOT): version}).language


def meaning(version: str, names: set[str]) -> list[Any]:
    """Return what names are in a version: the function of each, and why it is refused; in conditions too for an if."""
    language = language_of(version)
    places = [language.general, language.conditions] if "if" in names else [language.general]
    return [(place.functions.get(name), place.refused.get(name)) for place in places for name in sorted(names)]


def cases_of(version: str) -> Iterator[dict[str, Any]]:
    """Yield the cases that mean in a version what they mean where they stand, as cases of that version."""
    for param in CASES:
        (case,) = param.values
        names = {name for name, _ in calls(case["expr"]) if isinstance(name, str)}
        if meaning(case.get("version", dialects.newest()), names) == meaning(version, names):
            yield {**case, "version": version}


VERSIONS = [one.version.partition(".")[2] for one in dialects.versions()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_that_has_a_function_has_it_the_same_way(version: str) -> None:
    for case in cases_of(version):
        test_case(case)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_function_has_a_good_a_null_and_an_error_case_in_every_version(version: str) -> None:
    language = language_of(version)
    shown = {
        (name, kind)
        for case in cases_of(version)
        for name, argument in calls(case["expr"])
        for kind in ("error" if "problem" in case else "good", "null")
        if kind != "null" or "null" in yaml.safe_dump([argument, case.get("result")])
    }

    names = language.general.functions | language.conditions.functions
    assert {(name, kind) for name in names for kind in ("good", "null", "error")} - shown == set()
