"""Every edge case of templates.md §20, by its number: the tables in `edge_cases/`, one for each table there.

A row has the number, and in `says` what happens. Where we do otherwise than Heat, `heat` says what Heat does. A row
with `problem` is refused with exactly that one; a row with `expect` is built, and looks as it says there (`view` knows
the keys); a row with `elsewhere` is tested by another test, because only that floor can see it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.model.errors import TemplateInvalid
from engine.model.problems import Problem
from engine.resources.heat.none import NoneResource
from engine.schema import properties
from engine.schema.properties import PropertyGroup, Resolved
from engine.schema.type_schema import TypeSchema
from engine.template import dialects, environment, environment_files, parameters, parse, queries, source, target
from engine.template.declarations import Template
from engine.template.environment import Environment
from engine.template.expressions import EvaluationError
from engine.template.target import NodeValue, Output, Target
from kit.catalogue import CATALOGUE as FEW_TYPES
from kit.catalogue import NEWEST, PSEUDO, parsed

ROOT = Path(__file__).parents[2]
TABLES = Path(__file__).parent / "edge_cases"
NUMBERS = {  # of each table
    "loading": range(1, 20),
    "functions": range(20, 65),
    "conditions": range(65, 81),
    "definitions": range(81, 97),
    "parameters": range(97, 115),
    "environment": range(115, 151),
}
Values = Mapping[str, NodeValue]  # resource → what it yielded
CUSTOM = {"even_length": lambda value: None if len(value) % 2 == 0 else "it has an odd length"}


class Properties(PropertyGroup):
    text = properties.string("Text.")
    whole = properties.integer("A whole number.")
    whole_or_7 = properties.integer("A whole number with a default.", default=7)
    few = properties.integer("From 1 to 5.", between=(1, 5))
    flag = properties.boolean("Whether.")


class Needs(PropertyGroup):
    text = properties.string("Text.", required=True)


class EdgeCatalogue:
    """The types of the kit, one that has properties of many kinds, one that needs its property, and OS::Heat::None."""

    def __init__(self) -> None:
        self._types = {
            "Test::Sample": TypeSchema("Test::Sample", Properties.schemas),
            "Test::Needy": TypeSchema("Test::Needy", Needs.schemas),
            "OS::Heat::None": NoneResource().schema(),
        }

    def find(self, type_name: str) -> TypeSchema | None:
        return self._types.get(type_name) or FEW_TYPES.find(type_name)

    def names(self) -> Iterable[str]:
        return [*self._types, *FEW_TYPES.names()]


CATALOGUE = EdgeCatalogue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table; a key that is no field of it fails the collection."""

    number: int
    says: str
    heat: str = ""  # what Heat does, where we do otherwise
    template: str = ""  # a text without a version gets the newest
    is_whole: bool = False  # the text is taken as it is
    environment: Any = field(default_factory=dict)  # a map, or the text of one
    environment_files: list[Any] = field(default_factory=list)  # likewise; then `environment` does not count
    operator: Mapping[str, Any] = field(default_factory=dict)  # the operator's resource_registry
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the request
    files: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True
    built: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # resource → what it yields: id, attributes
    problem: str = ""  # a part of its text
    path: str = ""
    code: str = "STACK_VALIDATION_FAILED"
    expect: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: str = ""  # file::test, file::test[id] or file::row of a table
    defect: str = ""  # why the row does not pass yet

    @property
    def text(self) -> str:
        """Return the text of the template."""
        begins = self.template.lstrip('{"').startswith(dialects.VERSION_KEYS)
        return self.template if self.is_whole or begins else NEWEST + self.template

    @property
    def values(self) -> dict[str, NodeValue]:
        """Return what was built before."""
        return {name: NodeValue(one.get("id"), one.get("attributes", {})) for name, one in self.built.items()}


def rows() -> Iterator[tuple[str, Row]]:
    for table in sorted(TABLES.glob("*.yaml")):
        yield from ((table.stem, Row(**row)) for row in yaml.safe_load(table.read_text(encoding="utf-8")))


ROWS = list(rows())


def params_with(key: str) -> list[Any]:
    return [
        pytest.param(
            row,
            id=f"{table} {row.number}: {row.says}",
            marks=pytest.mark.xfail(strict=True, reason=row.defect) if row.defect else (),
        )
        for table, row in ROWS
        if getattr(row, key)
    ]


def environment_of(row: Row, template: Template) -> Environment:
    if not row.environment_files:
        return environment.with_parameters(environment.read(as_text(row.environment)), row.parameters)
    read = [(f"{index}.yaml", environment.read(as_text(one))) for index, one in enumerate(row.environment_files, 1)]
    types = environment_files.parameter_types([*map(parsed, row.files.values()), template])
    return environment_files.merge_files(read, parameters=row.parameters, types=types)


def as_text(written: Any) -> str:
    return written if isinstance(written, str) else json.dumps(written)


def target_of(row: Row) -> Target:
    template = parse.parse(source.load(row.text))
    return target.build(
        template,
        environment=environment_of(row, template),
        operator=row.operator,
        catalogue=CATALOGUE,
        files=row.files,
        pseudo=PSEUDO,
        strict=row.strict,
        custom=CUSTOM,
        queries=queries,
    )


def problems_of(row: Row) -> list[Problem]:
    with pytest.raises(TemplateInvalid) as caught:
        target_of(row)
    return list(caught.value.problems)


@pytest.mark.parametrize("row", params_with("problem"))
def test_what_is_refused(row: Row) -> None:
    (problem,) = problems_of(row)

    assert row.problem in problem.summary
    assert (problem.where(), problem.code) == (row.path, row.code)


@pytest.mark.parametrize("row", params_with("expect"))
def test_what_is_built(row: Row) -> None:
    found = seen(row.expect, target_of(row), row.values)

    assert as_json(found) == as_json(row.expect)


def as_json(value: Any) -> str:
    """Return a value so that what is equal only to Python differs: 1 and true, 1 and 1.0."""
    return json.dumps(value, indent=1, default=repr, sort_keys=True)


def seen(expected: Mapping[str, Any], built: Target, values: Values) -> dict[str, Any]:
    """Return what a target looks like, as far as something is expected of it."""
    return {key: view(key, wanted, built, values) for key, wanted in expected.items()}


def view(key: str, wanted: Any, built: Target, values: Values) -> Any:
    match key:
        case "version":
            return built.template.dialect.version
        case "resources":
            return list(built.declarations)
        case "nested":
            return {name: seen(some, built.nested[name], {}) for name, some in wanted.items()}
        case _ if key in ON_THE_WALK:
            return {name: ON_THE_WALK[key](built, name, some, values) for name, some in wanted.items()}
        case _:
            return {name: BEFORE[key](built, name) for name in wanted}


BEFORE: Mapping[str, Callable[[Target, str], Any]] = {
    "requires": lambda built, name: sorted(built.declarations[name].requires),
    "policies": lambda built, name: built.declarations[name].deletion_policy,
    "implementations": lambda built, name: built.declarations[name].implementation,
    "parameters": lambda built, name: built.parameters.values[name],
    "shown": lambda built, name: built.parameters.shown()[name],
    "environment": lambda built, name: built.environment.as_map().get(name),
}


def output_value(built: Target, name: str, _: Any, values: Values) -> Any:
    found = output(built, name, values)
    return found.value if found.error is None else found.error


def output_error(built: Target, name: str, part: str, values: Values) -> Any:
    return told(part, output(built, name, values).error or "")


def output(built: Target, name: str, values: Values) -> Output:
    return next(one for one in target.evaluate_outputs(built, values) if one.key == name)


def evaluated(built: Target, name: str, values: Values) -> Resolved:
    return target.evaluate_properties(built.declarations[name], target.scope_of(built, values), CUSTOM)


def property_values(built: Target, name: str, some: Mapping[str, Any], values: Values) -> Any:
    found = evaluated(built, name, values)
    return [str(one) for one in found.problems] or {key: found.values.get(key) for key in some}


def property_problem(built: Target, name: str, part: str, values: Values) -> Any:
    (problem,) = evaluated(built, name, values).problems
    return told(part, problem.summary)


def metadata_error(built: Target, name: str, part: str, values: Values) -> Any:
    with pytest.raises(EvaluationError) as caught:
        target.evaluate_metadata(built.declarations[name], target.scope_of(built, values))
    return told(part, str(caught.value))


def told(part: str, text: str) -> str:
    """Return the part if the text has it, else the text: what differs is then shown."""
    return part if part in text else text


ON_THE_WALK: Mapping[str, Callable[[Target, str, Any, Values], Any]] = {
    "outputs": output_value,
    "output_errors": output_error,  # parts of texts
    "properties": property_values,  # resource → some of its properties
    "property_problems": property_problem,  # resource → a part of the text of its only one
    "metadata_errors": metadata_error,
}


def test_an_immutable_parameter_is_compared_as_coerced() -> None:
    template = "parameters: {n: {type: number, immutable: true}, s: {type: string, immutable: true}}"
    old, same, other = (
        target_of(Row(number=147, says="", template=template, parameters=given)).parameters
        for given in ({"n": "5", "s": 5}, {"n": "5", "s": "5"}, {"n": 6, "s": "6"})
    )

    assert parameters.modified_immutables(old, same) == []
    assert parameters.modified_immutables(old, other) == ["n", "s"]


@pytest.mark.parametrize("row", params_with("elsewhere"))
def test_what_is_tested_elsewhere(row: Row) -> None:
    file, _, name = row.elsewhere.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")

    assert name in (yaml.safe_load(text) if file.endswith(".yaml") else names_of_tests(text))


def names_of_tests(text: str) -> set[str]:
    """Return the names of the tests in a module, and of those with a table also each row's as `test[id]`."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            parts = (part for decorator in node.decorator_list for part in ast.walk(decorator))
            words = (part for part in parts if isinstance(part, ast.keyword) and part.arg == "id")
            ids = [word.value.value for word in words if isinstance(word.value, ast.Constant)]
            found |= {node.name, *(f"{node.name}[{one!s}]" for one in ids)}
    return found


def test_every_row_says_what_happens_in_one_way() -> None:
    ways = {f"{table} {row.number}: {row.says}": (row.problem, row.expect, row.elsewhere) for table, row in ROWS}

    assert [name for name, found in ways.items() if sum(map(bool, found)) != 1] == []


@pytest.mark.parametrize("table", NUMBERS)
def test_every_edge_case_has_a_row_in_its_table_and_they_stand_in_order(table: str) -> None:
    numbers = [row.number for name, row in ROWS if name == table]

    assert sorted(set(numbers)) == list(NUMBERS[table])
    assert numbers == sorted(numbers)


def test_there_is_no_other_table() -> None:
    assert {table for table, _ in ROWS} == set(NUMBERS)
