"""What a stack is to become: a template with its parameters, types and references settled.

The values here are made by `checker` and used through `target`, which is the door that other floors take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.model.problems import Path, PathPart, Problem
from engine.schema.properties import Resolved
from engine.schema.type_schema import TypeSchema
from engine.template.declarations import Template
from engine.template.environment import Environment
from engine.template.expressions import Expr, Facade
from engine.template.facts import Facts
from engine.template.parameters import ParameterValues
from engine.template.scopes import Conditions


class Catalogue(Protocol):
    """The resource types that there are."""

    def find(self, type_name: str) -> TypeSchema | None:
        """Return the interface of a type; None: there is none of that name."""

    def names(self) -> Iterable[str]:
        """Return the names of all types."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A resource that the stack is to have."""

    name: str
    type: str  # as written
    implementation: str  # the registered type, or the template file, that stands behind it
    schema: TypeSchema
    properties: Mapping[str, Expr] = field(default_factory=dict)
    metadata: Expr | None = None  # None: there is none
    update_policy: Expr | None = None  # None: there is none
    requires: frozenset[str] = frozenset()  # the resources that have to be there first
    deletion_policy: str = "Delete"  # Delete, Retain or Snapshot
    description: str = ""
    template_file: str | None = None  # file of the nested stack's template; None: it is no nested stack
    fingerprint: str = ""  # of a nested stack's template, files and environment; "": it is none
    line: int | None = None
    place: Path = ()  # of its properties in the template
    external_id: Expr | None = None  # of the thing that stands for it and is not built; None: it is built
    facade: Facade | None = None  # what the template behind its type is told of it; None: that asks for nothing
    hooks: frozenset[str] = frozenset()  # where a walk is to wait for a person (templates.md §13.5)
    restricted_actions: frozenset[str] = frozenset()  # update, replace
    explored: Resolved = field(default_factory=lambda: Resolved({}), repr=False)  # properties as known before a walk
    is_settled: bool = False  # nothing in the properties depends on a walk

    def placed(self, problem: Problem) -> Problem:
        """Return a problem of a property as one of the template, at the line of the resource."""
        return replace(problem.under(*self.place), line=self.line)


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """Everything that a walk leads to. Immutable; threads share it."""

    template: Template
    facts: Facts
    environment: Environment
    conditions: Conditions
    declarations: Mapping[str, Declaration]  # only resources whose condition holds, as the template orders them
    attributes_needed: Mapping[str, frozenset[tuple[str, tuple[PathPart, ...]]]]  # resource → (attribute, path)
    output_reads: frozenset[str] = frozenset()  # the resources that the outputs read
    nested: Mapping[str, Target] = field(default_factory=dict)  # resource → the target of its template
    restored: Mapping[str, Any] = field(default_factory=dict)  # resource → what the snapshot that it comes from kept

    @property
    def parameters(self) -> ParameterValues:
        """Return the values of the parameters."""
        return self.facts.parameters

    @property
    def files(self) -> Mapping[str, str]:
        """Return the files of the request."""
        return self.facts.files


@dataclass(frozen=True, slots=True)
class Output:
    """An output, computed."""

    key: str
    description: str
    value: Any = None
    error: str | None = None  # why there is no value; None: there is one
