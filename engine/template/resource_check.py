"""Checks one resource before a walk: its values as far as they are known, and what it refers to.

Called by `checker`. One exploration of each expression yields all there is: values, problems, references,
attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema import properties, types
from engine.schema.properties import Resolved
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import expressions
from engine.template.declarations import ResourceDecl, Template
from engine.template.expressions import ABSENT, Findings, Literal, Reads
from engine.template.scopes import StaticScope


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a resource before the walk."""

    properties: Resolved
    is_settled: bool  # nothing in the properties depends on a walk
    requires: frozenset[str]
    deletion_policy: str
    reads: Reads
    problems: tuple[Problem, ...]


def check(decl: ResourceDecl, schema: TypeSchema, scope: StaticScope, *, template: Template) -> Checked:
    """Return what is known, with every problem of the resource."""
    return _ResourceCheck(decl, schema, scope, template).run()


def given_values(decl_properties: dict[str, Any]) -> dict[str, Any]:
    """Return the values without those that are ABSENT: they were not given."""
    return {name: value for name, value in decl_properties.items() if value is not ABSENT}


def resolve(schema: TypeSchema, given: dict[str, Any]) -> Resolved:
    """Return given values as the type takes them."""
    return Resolved(given) if schema.any_property else properties.resolve(schema.properties, given)


class _ResourceCheck:
    """One resource."""

    def __init__(self, decl: ResourceDecl, schema: TypeSchema, scope: StaticScope, template: Template) -> None:
        self._decl = decl
        self._schema = schema
        self._scope = scope
        self._template = template
        self._path: Path = ("resources", decl.name)
        self._reads = Reads(scope)
        self._problems: list[Problem] = list(decl.problems)

    def run(self) -> Checked:
        resolved = self._properties()
        self._metadata()
        policy = self._deletion_policy()
        requires = frozenset(self._required())
        is_settled = not resolved.problems and not types.contains_unknown(resolved.values)
        return Checked(resolved, is_settled, requires, policy, self._reads, tuple(self._problems))

    def _problem(self, below: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self._problems.append(self._template.document.problem((*self._path, *below), summary, code))

    def _properties(self) -> Resolved:
        findings = Findings()
        given = {
            name: expr.value if type(expr) is Literal else expressions.explore(expr, self._reads, findings)
            for name, expr in self._decl.properties.items()
        }
        self._problems += findings.shapes
        self._problems += findings.errors
        resolved = resolve(self._schema, given_values(given))
        for problem in resolved.problems:
            self._problem(("properties", *problem.path), problem.summary)
        return resolved

    def _metadata(self) -> None:
        """Explore the metadata. A parameter that it misspells shows on the walk only (templates.md §6.1)."""
        if self._decl.metadata is None:
            return
        findings = Findings()
        expressions.explore(self._decl.metadata, self._reads, findings)
        self._problems += findings.shapes
        self._problems += (one for one in findings.errors if one.path[-1] in ("get_attr", "get_resource"))

    def _deletion_policy(self) -> str:
        expr, findings = self._decl.deletion_policy, Findings()
        value = expressions.explore(expr, self._scope, findings)
        self._problems += findings.shapes
        self._problems += findings.errors
        known = self._template.dialect.deletion_policies
        if value is UNKNOWN or value is ABSENT or value is None:
            if value is UNKNOWN and not findings.errors and not self._scope.parameters.missing:
                self._problem(("deletion_policy",), "a deletion policy can't depend on another resource")
            return "Delete"
        policy = known.get(value) if isinstance(value, str) else None
        if policy is None:
            text = f"{types.shown(value)} is not a deletion policy; known: {', '.join(known)}"
            self._problem(("deletion_policy",), text)
            return "Delete"
        if policy == "Snapshot" and not self._schema.snapshots_on_delete:
            self._problem(("deletion_policy",), f"the type {self._schema.type_name} can't be kept as a snapshot")
        return policy

    def _required(self) -> Iterator[str]:
        """Yield the resources that have to be there first."""
        resources = self._scope.resources
        for index, name in enumerate(self._decl.depends_on):
            if name in resources:
                yield name
            elif name not in self._scope.disabled:  # one that is not there is not waited for
                hint = self._scope.hints.near(resources, name)
                written = self._template.document.data["resources"][self._decl.name]["depends_on"]
                below = ("depends_on", index) if isinstance(written, list) else ("depends_on",)
                text = f'there is no resource "{name}"{hint}'
                self._problem(below, text, Code.INVALID_TEMPLATE_REFERENCE)
        for name in self._reads.references:
            if name in resources and resources[name].strict_dependency:
                yield name


def with_place(problem: Problem, decl_name: str, line: int | None) -> Problem:
    """Return a problem of a property as one of the template, at the line of its resource."""
    return replace(problem.under("resources", decl_name, "properties"), line=line)
