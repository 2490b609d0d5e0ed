"""What a template declares, as values: parameters, resources, outputs. Made by `parse`, used by everything above it.

Nothing here is checked against types, parameter values or other resources: that is `target`'s part. A
declaration that hangs on a condition carries what is wrong inside it along (`problems`), because it counts
only if the condition holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from engine.model.problems import Path, Problem
from engine.schema.constraints import Constraint
from engine.template.dialects import Dialect
from engine.template.expressions import NOTHING, Expr, Literal
from engine.template.source import Document

DELETE: Final = Literal("Delete")


class ParameterType(StrEnum):
    """The types of parameters, as templates write them (templates.md §12.2)."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "comma_delimited_list"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """A parameter."""

    name: str
    type: ParameterType
    default: Any = None
    has_default: bool = False  # a default of null is none
    description: str = ""
    label: str = ""  # "": the name
    hidden: bool = False
    constraints: tuple[Constraint, ...] = ()
    immutable: bool = False
    tags: tuple[str, ...] = ()
    line: int | None = None
    path: Path = ()  # where it stands, in the words of its language


@dataclass(frozen=True, slots=True)
class ResourceDecl:
    """A resource, as written."""

    name: str
    type: str
    properties: Mapping[str, Expr] = field(default_factory=dict)
    metadata: Expr | None = None  # None: there is none
    depends_on: tuple[str, ...] = ()
    deletion_policy: Expr = DELETE
    update_policy: Expr | None = None
    condition: Expr | None = None  # None: it is always there
    external_id: Expr | None = None
    description: str = ""
    line: int | None = None
    path: Path = ()  # where it stands, in the words of its language
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputDecl:
    """An output, as written."""

    name: str
    value: Expr = NOTHING
    description: str = ""
    condition: Expr | None = None  # None: it is always there
    strange_keys: tuple[str, ...] = ()  # passed over, but in a template that is used as a resource type
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A whole template. `problems` is what is wrong with its structure; `target.build` reports it with all else."""

    dialect: Dialect
    description: str
    parameters: Mapping[str, ParameterSchema]
    parameter_groups: tuple[Mapping[str, Any], ...]
    conditions: Mapping[str, Expr]
    resources: Mapping[str, ResourceDecl]
    outputs: Mapping[str, OutputDecl]
    document: Document
    mappings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
