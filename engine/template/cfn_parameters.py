"""From the `Parameters` section of a CloudFormation template to schemas (templates.md §12.1).

Called by `parse`. The schemas are those of HOT: what a parameter accepts does not hang on how it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.model.problems import Problem
from engine.schema.constraints import Constraint
from engine.schema.hints import Hints
from engine.schema.types import BadValue
from engine.template import coercion, parameter_schemas
from engine.template.declarations import ParameterSchema, ParameterType
from engine.template.dialects import Dialect
from engine.template.parameter_schemas import ParameterReader
from engine.template.source import Document

_TYPES: Final = {name: kind for kind, name in coercion.CFN_NAMES.items()}
_BOUNDS: Final[Mapping[str, Mapping[str, str]]] = {  # constraint, as HOT calls it → key → which end it is
    "range": {"MinValue": "min", "MaxValue": "max"},
    "length": {"MinLength": "min", "MaxLength": "max"},
}
_ALLOWED: Final[Mapping[str, str]] = {"AllowedValues": "allowed_values", "AllowedPattern": "allowed_pattern"}


def read_all(
    section: Mapping[Any, Any], dialect: Dialect, document: Document, *, problems: list[Problem]
) -> dict[str, ParameterSchema]:
    """Return the schemas of all parameters that can be read; what is wrong is added to `problems`."""
    return parameter_schemas.read_each(_CfnReader, section, dialect, document, problems=problems)


class _CfnReader(ParameterReader):
    """Reads one parameter."""

    def schema(self, name: str, entry: Mapping[str, Any], hints: Hints) -> ParameterSchema | None:
        """Return the schema; None: it can't be used at all."""
        kind = self.type_of(entry.get("Type"), _TYPES, "Type", hints)
        if kind is None:
            return None
        return ParameterSchema(
            name=name,
            type=kind,
            default=entry.get("Default"),
            has_default=entry.get("Default") is not None,
            description=str(entry.get("Description") or ""),
            label=str(entry.get("Label") or ""),
            hidden=str(entry.get("NoEcho")).lower() == "true",
            constraints=tuple(self._constraints(entry, kind)),
            line=self.line,
            path=self.path,
        )

    def _constraints(self, entry: Mapping[str, Any], kind: ParameterType) -> Iterator[Constraint]:
        text = entry.get("ConstraintDescription")
        description = None if text is None else str(text)
        for name, ends in _BOUNDS.items():
            given = {key: entry[key] for key in ends if entry.get(key) is not None}
            alone = [self._made(name, {ends[key]: value}, kind, at=key) for key, value in given.items()]
            if given and None not in alone:  # each bound was checked at its own place
                written = {ends[key]: value for key, value in given.items()}
                yield parameter_schemas.make(name, written, kind, description)
        for key, name in _ALLOWED.items():
            if entry.get(key) is not None and (made := self._made(name, entry[key], kind, at=key)) is not None:
                yield replace(made, description=description)

    def _made(self, name: str, written: Any, kind: ParameterType, *, at: str) -> Constraint | None:
        """Return the constraint; None: what is wrong with it was noted."""
        if not parameter_schemas.is_legal(name, kind):
            self.problem((at,), f"a parameter of type {coercion.CFN_NAMES[kind]} can't have {at}")
            return None
        try:
            return parameter_schemas.make(name, written, kind, None)
        except BadValue as error:
            self.problem((at,), str(error))
            return None
