"""One check has one stock of hints, however many levels, resources and files it looks at."""

from __future__ import annotations

from typing import Any

import pytest

from engine.schema.hints import MAX_HINTS
from kit.catalogue import NEWEST
from kit.cfn_templates import HEAT, problems_of

TIMES = MAX_HINTS + 10
MANY = range(TIMES)


def thing(name: str, values: list[str]) -> str:
    return f"  {name}:\n    type: Test::Anything\n    properties:\n" + "".join(
        f"      p{index}: {value}\n" for index, value in enumerate(values)
    )


def users_of(file: str, count: int, body: str = "") -> str:
    return RESOURCES + "".join(f"  r{index}:\n    type: {file}\n{body}" for index in range(count))


RESOURCES = NEWEST + "resources:\n"
PARAMETERS = "parameters: {size: {type: string, default: x}}\n"
CHILD_OF_CONDITIONS = (
    NEWEST
    + "conditions: {never: {equals: [1, 2]}}\nresources:\n"
    + "".join(f"  r{index}: {{type: Test::Thing, condition: nevr{index}}}\n" for index in range(30))
)
CHILD_OF_GROUPS = NEWEST + PARAMETERS + f"parameter_groups:\n- parameters: {[f'siz{index}' for index in range(30)]}\n"
SUBJECTS = {
    "parameters": (
        NEWEST + PARAMETERS + "resources:\n" + thing("r", [f"{{get_param: siz{index}}}" for index in MANY]),
        {},
    ),
    "files": (
        NEWEST + "resources:\n" + thing("r", [f"{{get_file: raedme{index}}}" for index in MANY]),
        {"readme": "x"},
    ),
    "mappings": (
        HEAT
        + "Mappings: {zones: {a: {b: c}}}\nResources:\n  r:\n    Type: Test::Anything\n    Properties:\n"
        + "".join(f"      p{index}: {{'Fn::FindInMap': [zone{index}, a, b]}}\n" for index in MANY),
        {},
    ),
    "conditions of nested stacks": (
        NEWEST + "resources: {a: {type: a.yaml}, b: {type: b.yaml}}",
        {"a.yaml": CHILD_OF_CONDITIONS, "b.yaml": CHILD_OF_CONDITIONS},
    ),
    "properties of nested stacks": (
        users_of("a.yaml", 2, "    properties:\n" + "".join(f"      siz{index}: x\n" for index in range(30))),
        {"a.yaml": NEWEST + PARAMETERS},
    ),
    "parameter groups of files": (
        NEWEST + "resources: {a: {type: a.yaml}, b: {type: b.yaml}}",
        {"a.yaml": CHILD_OF_GROUPS, "b.yaml": CHILD_OF_GROUPS},
    ),
}


@pytest.mark.parametrize(("text", "files"), SUBJECTS.values(), ids=SUBJECTS)
def test_names_are_looked_for_as_often_as_one_stock_allows(text: str, files: dict[str, Any]) -> None:
    problems = problems_of(text, files=files)

    assert len(problems) == TIMES
    assert sum("; did you mean" in problem.summary or "; known" in problem.summary for problem in problems) == MAX_HINTS


def test_a_file_is_told_once_also_when_hints_run_out() -> None:
    problems = problems_of(users_of("a.yaml", 3), files={"a.yaml": CHILD_OF_CONDITIONS})

    assert len(problems) == 30
    assert all("did you mean never?" in problem.summary for problem in problems)
