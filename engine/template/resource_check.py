"""Checks one resource before a walk: its values as far as they are known, and what it refers to.

Called by `checker`. One exploration of each expression yields all there is: values, problems, references,
attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema import properties, types
from engine.schema.constraints import Custom
from engine.schema.hints import Hints
from engine.schema.properties import Resolved
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import expressions
from engine.template.declarations import ResourceDecl, Template
from engine.template.expressions import ABSENT, Expr, Facade, Findings, Literal, Reads
from engine.template.scopes import StaticScope

# The functions that read a resource's attribute, and all that read a resource.
READ_ATTRIBUTES: Final = ("get_attr", "Fn::GetAtt")
READS: Final = (*READ_ATTRIBUTES, "get_resource", "Ref")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a resource before the walk."""

    properties: Resolved
    is_settled: bool  # nothing in the properties depends on a walk
    requires: frozenset[str]
    facade: Facade  # as far as it is known
    reads: Reads
    problems: tuple[Problem, ...]


def check(decl: ResourceDecl, schema: TypeSchema, scope: StaticScope, *, template: Template, custom: Custom) -> Checked:
    """Return what is known, with every problem of the resource."""
    return _ResourceCheck(decl, schema, scope, template=template, custom=custom).run()


def given_values(decl_properties: dict[str, Any]) -> dict[str, Any]:
    """Return the values without those that are ABSENT: they were not given."""
    return {name: value for name, value in decl_properties.items() if value is not ABSENT}


def resolve(schema: TypeSchema, given: dict[str, Any], custom: Custom, hints: Hints | None = None) -> Resolved:
    """Return given values as the type takes them."""
    if schema.any_property:
        return Resolved(given)
    return properties.resolve(schema.properties, given, custom=custom, hints=hints)


class _ResourceCheck:
    """One resource."""

    def __init__(
        self, decl: ResourceDecl, schema: TypeSchema, scope: StaticScope, *, template: Template, custom: Custom
    ) -> None:
        self._decl = decl
        self._schema = schema
        self._scope = scope
        self._template = template
        self._custom = custom
        self._words = template.dialect.words
        self._reads = Reads(scope)
        self._problems: list[Problem] = list(decl.problems)

    def run(self) -> Checked:
        if self._decl.external_id is not None:
            return self._external(self._decl.external_id)
        resolved = self._properties()
        facade = Facade(self._metadata(), self._deletion_policy(), self._update_policy())
        requires = frozenset(self._required())
        is_settled = not resolved.problems and not types.contains_unknown(resolved.values)
        return Checked(resolved, is_settled, requires, facade, self._reads, tuple(self._problems))

    def _external(self, external_id: Expr) -> Checked:
        """Check a resource that stands for a thing which exists: nothing is built, so nothing is waited for."""
        reads, findings = Reads(self._scope), Findings()
        value = expressions.explore(external_id, reads, findings)
        self._problems += (*findings.shapes, *findings.errors)
        word = self._words.external_id
        if reads.references:
            self._problem((word,), f"{word} can't come from another resource: this one does not wait for any")
        elif value is not UNKNOWN and not (isinstance(value, str) and value):
            self._problem((word,), f"{word} has to be the id of a thing that exists, and is {types.shown(value)}")
        if self._schema.is_template:
            self._problem((word,), "a template can't stand for a thing that exists: what it declares is always built")
        if self._decl.depends_on:
            text = "a resource that stands for a thing which exists is not built and can't wait for others"
            self._problem((self._words.depends_on,), text, Code.INVALID_EXTERNAL_DEPENDENCY)
        facade = Facade(self._metadata(), "Retain", self._update_policy())
        return Checked(Resolved({}), True, frozenset(), facade, self._reads, tuple(self._problems))

    def _problem(self, below: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self._problems.append(self._template.document.problem((*self._decl.path, *below), summary, code))

    def _properties(self) -> Resolved:
        findings = Findings()
        given = {
            name: expr.value if type(expr) is Literal else expressions.explore(expr, self._reads, findings)
            for name, expr in self._decl.properties.items()
        }
        self._problems += findings.shapes
        self._problems += findings.errors
        resolved = resolve(self._schema, given_values(given), self._custom, self._scope.facts.hints)
        for problem in resolved.problems:
            self._problem((self._words.properties, *problem.path), problem.summary)
        return resolved

    def _metadata(self) -> Any:
        """Explore the metadata. A parameter that it misspells shows on the walk only (templates.md §6.1)."""
        if self._decl.metadata is None:
            return {}
        findings = Findings()
        value = expressions.explore(self._decl.metadata, self._reads, findings)
        self._problems += findings.shapes
        self._problems += (one for one in findings.errors if one.path[-1] in READS)
        return value

    def _update_policy(self) -> Any:
        if self._decl.update_policy is None:
            return {}
        findings, word = Findings(), self._words.update_policy
        value = expressions.explore(self._decl.update_policy, self._scope, findings)
        self._problems += (*findings.shapes, *findings.errors)
        if value is UNKNOWN or self._schema.any_property or self._schema.is_template:
            return value
        if not isinstance(value, Mapping):
            self._problem((word,), f"{word} has to be a map, and is {types.shown(value)}")
            return {}
        resolved = properties.resolve(self._schema.update_policy, value, hints=self._scope.facts.hints)
        for problem in resolved.problems:
            self._problem((word, *problem.path), problem.summary)
        return value

    def _deletion_policy(self) -> str:
        reads, findings = Reads(self._scope), Findings()
        value = expressions.explore(self._decl.deletion_policy, reads, findings)
        self._problems += findings.shapes
        self._problems += findings.errors
        known = self._template.dialect.deletion_policies
        if value is UNKNOWN or value is ABSENT or value is None:
            # Without any resource it is not known for a reason that was told, or comes from a stack around this one.
            is_told = findings.errors or self._scope.facts.parameters.missing
            is_from_walk = reads.references or not (self._problems or self._template.problems)
            if value is UNKNOWN and not is_told and is_from_walk:
                self._problem((self._words.deletion_policy,), "a deletion policy can't depend on another resource")
            return "Delete"
        policy = known.get(value) if isinstance(value, str) else None
        if policy is None:
            text = f"{types.shown(value)} is not a deletion policy; known: {', '.join(known)}"
            self._problem((self._words.deletion_policy,), text)
            return "Delete"
        # A type that takes everything stands for one that is not wanted or not there: nothing of it is left to keep.
        if policy == "Snapshot" and not (self._schema.snapshots_on_delete or self._schema.any_property):
            text = f"the type {self._schema.type_name} can't be kept as a snapshot"
            self._problem((self._words.deletion_policy,), text)
        return policy

    def _required(self) -> Iterator[str]:
        """Yield the resources that have to be there first."""
        resources = self._scope.resources
        for index, name in enumerate(self._decl.depends_on):
            if name in resources:
                yield name
            elif name not in self._scope.disabled:  # one that is not there is not waited for
                hint = self._scope.facts.hints.near(resources, name)
                word = self._words.depends_on
                written = self._template.document.data[self._words.resources][self._decl.name][word]
                below = (word, index) if isinstance(written, list) else (word,)
                text = f'there is no resource "{name}"{hint}'
                self._problem(below, text, Code.INVALID_TEMPLATE_REFERENCE)
        for name in self._reads.references:
            if name in resources and resources[name].strict_dependency:
                yield name
