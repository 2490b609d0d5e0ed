"""The values of a template's parameters: given, defaulted, coerced, checked (templates.md §12.4, §12.5).

Called by `target`. A value that is missing or wrong is reported once, and then counts as not known, so that
it does not make every expression that reads it a problem too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.errors import Code
from engine.model.problems import Problem
from engine.schema import constraints
from engine.schema.constraints import NO_CUSTOM, Custom, CustomConstraint
from engine.schema.hints import Hints
from engine.schema.types import UNKNOWN, BadValue
from engine.template import coercion
from engine.template.declarations import ParameterSchema


@dataclass(frozen=True, slots=True, repr=False)
class ParameterValues:
    """The value of every parameter, pseudo parameters too. Without a `repr`: values may be secret."""

    values: Mapping[str, Any]
    schemas: Mapping[str, ParameterSchema] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()  # neither given nor defaulted; their value is UNKNOWN

    def shown(self) -> dict[str, str]:
        """Return every value as text, hidden ones masked (rpc.md §2.1)."""
        return {name: self._shown(name, value) for name, value in self.values.items()}

    def _shown(self, name: str, value: Any) -> str:
        schema = self.schemas.get(name)
        if schema is None:
            return coercion.text_of(value)
        return coercion.HIDDEN if schema.hidden else coercion.shown(schema.type, value)


@dataclass(frozen=True, slots=True)
class Given:
    """Where values come from, besides the defaults of the template."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)  # parameter_defaults of the environment
    pseudo: Mapping[str, Any] = field(default_factory=dict)
    is_passed: bool = False  # the parameters are properties of a resource outside, where they were checked


def resolve(
    schemas: Mapping[str, ParameterSchema],
    given: Given,
    *,
    strict: bool = True,
    custom: Custom = NO_CUSTOM,
    hints: Hints | None = None,
) -> tuple[ParameterValues, list[Problem]]:
    """Return the values, and what is wrong with them.

    Not strict is for a template without values: then none has to be there, and none is checked; names are.
    """
    problems = list(_unknown_names(schemas, given, hints or Hints()))
    values: dict[str, Any] = dict(given.pseudo)
    missing = []
    for name, schema in schemas.items():
        value = effective(schema, given)
        if value is None:
            missing.append(name)
            values[name] = UNKNOWN
            if strict and not given.is_passed:
                text = f'the parameter "{name}" has neither a value nor a default'
                problems.append(_problem(schema, text, Code.PARAMETER_MISSING))
            continue
        values[name], wrong = _checked(schema, value, custom)
        if strict and not _is_checked(schema, given, value):
            problems += [_problem(schema, text) for text in wrong]
    return ParameterValues(values, schemas, frozenset(missing)), problems


def effective(schema: ParameterSchema, given: Given) -> Any:
    """Return the value as it came, by precedence; None: there is none."""
    for source in (given.parameters, given.defaults):
        if source.get(schema.name) is not None:
            return source[schema.name]
    return schema.default


def modified_immutables(old: ParameterValues, new: ParameterValues) -> list[str]:
    """Return the immutable parameters that both have and whose values differ, both as coerced (templates.md §12.6)."""
    return [
        name
        for name, schema in new.schemas.items()
        if schema.immutable and name in old.schemas and old.values.get(name) != new.values.get(name)
    ]


def _unknown_names(schemas: Mapping[str, ParameterSchema], given: Given, hints: Hints) -> Iterator[Problem]:
    for name in given.parameters:
        if name not in schemas:
            hint = hints.near(schemas, name)
            text = f'the template has no parameter "{name}"{hint}'
            if name in given.pseudo:
                text = f'the parameter "{name}" is set by the engine and can\'t be given'
            yield Problem(("parameters", name), text, code=Code.PARAMETER_UNKNOWN)


def _checked(schema: ParameterSchema, value: Any, custom: Custom) -> tuple[Any, list[str]]:
    """Return the coerced value and what is wrong with it; one that is wrong is not known."""
    try:
        found = coercion.coerce(schema.type, value)
    except BadValue as error:
        return UNKNOWN, ["the value does not fit" if schema.hidden else str(error)]
    if found is UNKNOWN:
        return found, []
    kind = coercion.KINDS[schema.type]
    checks = (constraints.check(one, kind, found, custom=custom) for one in schema.constraints)
    wrong = [text for text in checks if text is not None]
    if wrong and schema.hidden:  # generated texts repeat the value
        told = [one.description for one in schema.constraints if one.description is not None]
        wrong = told or ["the value violates a constraint"]
    return (UNKNOWN if wrong else found), wrong


def _is_checked(schema: ParameterSchema, given: Given, value: Any) -> bool:
    """Return whether the value was checked: passed as a property, or held as the default against every constraint."""
    if given.is_passed and given.parameters.get(schema.name) is not None:
        return True
    by_parser = bool(schema.constraints) and not any(isinstance(one, CustomConstraint) for one in schema.constraints)
    return by_parser and value is schema.default


def _problem(schema: ParameterSchema, text: str, code: Code = Code.STACK_VALIDATION_FAILED) -> Problem:
    return Problem(schema.path, text, line=schema.line, code=code)
