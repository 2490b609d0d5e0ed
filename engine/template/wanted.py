"""What a stack is to become: a template with its parameters, types and references settled.

The values here are made by `checker` and used through `target`, which is the door that other floors take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.model.problems import PathPart
from engine.schema.properties import Resolved
from engine.schema.type_schema import TypeSchema
from engine.template.declarations import Template
from engine.template.environment import Environment
from engine.template.expressions import Expr
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
    settled: Resolved | None = field(
        default=None, repr=False
    )  # properties, where nothing in them depends on a walk; None: something does


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """Everything that a walk leads to. Immutable; threads share it."""

    template: Template
    parameters: ParameterValues
    environment: Environment
    files: Mapping[str, str]
    conditions: Conditions
    declarations: Mapping[str, Declaration]  # only resources whose condition holds, as the template orders them
    attributes_needed: Mapping[str, frozenset[tuple[str, tuple[PathPart, ...]]]]  # resource → (attribute, path)
    output_reads: frozenset[str] = frozenset()  # the resources that the outputs read
    nested: Mapping[str, Target] = field(default_factory=dict)  # resource → the target of its template


@dataclass(frozen=True, slots=True)
class Output:
    """An output, computed."""

    key: str
    description: str
    value: Any = None
    error: str | None = None  # why there is no value; None: there is one
