"""From the `parameters` section to schemas: types, flags and constraints (templates.md §12.1, §12.3).

Called by `parse`. All problems have the code INVALID_SCHEMA: the author of the template is at fault, not who
gives values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema import constraints, patterns, types
from engine.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from engine.schema.hints import Hints
from engine.schema.types import BadValue
from engine.template import coercion
from engine.template.declarations import ParameterSchema, ParameterType
from engine.template.dialects import Dialect
from engine.template.source import Document
from engine.template.tree import kind_of

_LEGAL: Final[Mapping[str, tuple[ParameterType, ...]]] = {  # constraint → types of parameters it can be on
    "length": (ParameterType.STRING, ParameterType.LIST, ParameterType.JSON),
    "range": (ParameterType.NUMBER,),
    "modulo": (ParameterType.NUMBER,),
    "allowed_values": (ParameterType.STRING, ParameterType.NUMBER, ParameterType.BOOLEAN, ParameterType.LIST),
    "allowed_pattern": (ParameterType.STRING,),
    "custom_constraint": (
        ParameterType.STRING,
        ParameterType.NUMBER,
        ParameterType.BOOLEAN,
        ParameterType.LIST,
    ),
}


def read_all(
    section: Mapping[Any, Any], dialect: Dialect, document: Document, *, problems: list[Problem]
) -> dict[str, ParameterSchema]:
    """Return the schemas of all parameters that can be read; what is wrong is added to `problems`."""
    return read_each(_HotReader, section, dialect, document, problems=problems)


def read_each(
    reader_class: type[ParameterReader],
    section: Mapping[Any, Any],
    dialect: Dialect,
    document: Document,
    *,
    problems: list[Problem],
) -> dict[str, ParameterSchema]:
    """Return the schemas that a kind of reader makes of all entries, with their defaults checked."""
    found = {}
    hints = Hints()
    for name, entry in section.items():
        reader = reader_class(dialect, document, problems, (dialect.words.parameters, str(name)))
        if not isinstance(name, str):
            reader.problem((), f"a name has to be a string, and is {types.shown(name)}; put it in quotes")
        elif reader.is_map(entry, hints) and (schema := reader.schema(name, entry, hints)) is not None:
            reader.check_default(schema)
            found[name] = schema
    return found


def is_legal(constraint: str, kind: ParameterType) -> bool:
    """Return whether a parameter of a type can have a constraint (by its name in HOT)."""
    return kind in _LEGAL[constraint]


def make(constraint: str, written: Any, kind: ParameterType, description: str | None) -> Constraint:
    """Return a constraint (by its name in HOT) of what is written of it; raise `BadValue` if it can't be one."""
    return _MAKERS[constraint](written, kind, description)


class ParameterReader(ABC):
    """Reads one parameter: what both families of the language have in common."""

    def __init__(self, dialect: Dialect, document: Document, problems: list[Problem], path: Path) -> None:
        self.dialect = dialect
        self._document = document
        self._problems = problems
        self._path = path

    @abstractmethod
    def schema(self, name: str, entry: Mapping[str, Any], hints: Hints) -> ParameterSchema | None:
        """Return the schema; None: it can't be used at all."""

    @property
    def path(self) -> Path:
        """Return where the parameter stands."""
        return self._path

    @property
    def line(self) -> int | None:
        """Return the line of the parameter."""
        return self._document.line(self._path)

    def problem(self, below: Path, summary: str) -> None:
        """Note what is wrong below the parameter."""
        self._problems.append(self._document.problem((*self._path, *below), summary, Code.INVALID_SCHEMA))

    def is_map(self, entry: Any, hints: Hints) -> bool:
        """Return whether the entry is a map; note that it is none, or which of its keys are strange."""
        if not isinstance(entry, dict):
            wanted = f"a map with at least a {self.dialect.words.type}"
            self.problem((), f"a parameter has to be {wanted}, and is {kind_of(entry)}")
            return False
        for key in entry:
            if key not in self.dialect.parameter_keys:
                hint = hints.near(self.dialect.parameter_keys, key)
                self.problem((str(key),), f'"{key}" is not a keyword of a parameter{hint}')
        return True

    def type_of(self, written: Any, known: Mapping[str, ParameterType], key: str, hints: Hints) -> ParameterType | None:
        """Return the type that is written; None: there is none of that name, or no name at all."""
        if isinstance(written, str) and written in known:
            return known[written]
        if written is None:
            self.problem((), f"a parameter has to have a {key}; known: {', '.join(known)}")
        else:
            self.problem((key,), f"{types.shown(written)} is not a type of parameter{hints.near(known, written)}")
        return None

    def check_default(self, schema: ParameterSchema) -> None:
        """Hold the default against the constraints; one of the wrong type without any is noticed when it is used."""
        if not schema.has_default or not schema.constraints:
            return
        key = "default" if self.dialect.is_hot else "Default"
        try:
            value = coercion.coerce(schema.type, schema.default)
        except BadValue as error:
            self.problem((key,), f"invalid default: {error}")
            return
        for constraint in schema.constraints:
            if isinstance(constraint, CustomConstraint):
                continue  # what only a cloud can say is asked when the value is used
            wrong = constraints.check(constraint, coercion.KINDS[schema.type], value)
            if wrong is not None:
                self.problem((key,), f"invalid default: {wrong}")


class _HotReader(ParameterReader):
    """Reads one parameter of a HOT template."""

    def schema(self, name: str, entry: Mapping[str, Any], hints: Hints) -> ParameterSchema | None:
        """Return the schema; None: it can't be used at all."""
        kind = self.type_of(entry.get("type"), {one.value: one for one in ParameterType}, "type", hints)
        if kind is None:
            return None
        return ParameterSchema(
            name=name,
            type=kind,
            default=entry.get("default"),
            has_default=entry.get("default") is not None,
            description=str(entry.get("description") or ""),
            label=str(entry.get("label") or ""),
            hidden=self._flag(entry, "hidden"),
            constraints=self._constraints(entry.get("constraints"), kind, hints),
            immutable=self._flag(entry, "immutable"),
            tags=self._tags(entry.get("tags")),
            line=self.line,
            path=self.path,
        )

    def _flag(self, entry: Mapping[str, Any], key: str) -> bool:
        value = entry.get(key)
        if value is None:
            return False
        try:
            return bool(coercion.coerce(ParameterType.BOOLEAN, value))
        except BadValue:
            self.problem((key,), f"{key} has to be true or false, and is {types.shown(value)}")
            return False

    def _tags(self, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(map(str, value))
        self.problem(("tags",), f"tags have to be a list, and are {kind_of(value)}")
        return ()

    def _constraints(self, written: Any, kind: ParameterType, hints: Hints) -> tuple[Constraint, ...]:
        if written is None:
            return ()
        if not isinstance(written, list):
            self.problem(("constraints",), f"constraints have to be a list, and are {kind_of(written)}")
            return ()
        found = (self._constraint(item, kind, ("constraints", index), hints) for index, item in enumerate(written))
        return tuple(constraint for constraint in found if constraint is not None)

    def _constraint(self, item: Any, kind: ParameterType, path: Path, hints: Hints) -> Constraint | None:
        if not isinstance(item, dict):
            self.problem(path, f"a constraint has to be a map, and is {kind_of(item)}")
            return None
        kinds = self.dialect.constraint_kinds
        for key in item:
            if key not in kinds and key != "description":
                hint = hints.near(kinds, key)
                self.problem((*path, key), f'"{key}" is not a constraint{hint}')
        # Of several in one item only the first counts, as templates have always been read (templates.md
        # §12.3).
        name = next((name for name in kinds if name in item), None)
        if name is None:
            self.problem(path, f"no constraint is given; known: {', '.join(kinds)}")
            return None
        if not is_legal(name, kind):
            self.problem((*path, name), f"a parameter of type {kind} can't have the constraint {name}")
            return None
        description = None if item.get("description") is None else str(item["description"])
        try:
            return make(name, item[name], kind, description)
        except BadValue as error:
            self.problem((*path, name), str(error))
            return None


def _bounds(value: Any, one: Callable[[Any], Any]) -> tuple[Any, Any]:
    if not isinstance(value, dict):
        raise BadValue(f"it has to be a map with min and max, and is {kind_of(value)}")
    strange = [str(key) for key in value if key not in ("min", "max")]
    if strange:
        raise BadValue(f'"{strange[0]}" is not a bound; known: min, max')
    if value.get("min") is None and value.get("max") is None:
        raise BadValue("it has to have a min or a max")
    least, most = (None if value.get(key) is None else one(value[key]) for key in ("min", "max"))
    return least, most


def _whole(value: Any) -> int:
    found = types.number(value)
    if found != int(found):
        raise BadValue(f"{types.shown(value)} is not a whole number")
    return int(found)


def _range(value: Any, _: ParameterType, description: str | None) -> Constraint:
    return Range(*_bounds(value, types.number), description)


def _length(value: Any, _: ParameterType, description: str | None) -> Constraint:
    return Length(*_bounds(value, _whole), description)


def _modulo(value: Any, _: ParameterType, description: str | None) -> Constraint:
    if not isinstance(value, dict) or set(value) != {"step", "offset"}:
        raise BadValue("it has to be a map with step and offset")
    step, offset = _whole(value["step"]), _whole(value["offset"])
    if step == 0:
        raise BadValue("the step can't be 0")
    if abs(offset) >= abs(step):
        raise BadValue("the offset has to be smaller than the step")
    if step * offset < 0:
        raise BadValue("step and offset have to have the same sign")
    return Modulo(step, offset, description)


def _allowed_values(value: Any, kind: ParameterType, description: str | None) -> Constraint:
    if not isinstance(value, list):
        raise BadValue(f"it has to be a list, and is {kind_of(value)}")
    items = value if kind is ParameterType.LIST else [coercion.coerce_or_keep(kind, item) for item in value]
    return AllowedValues(tuple(items), description)


def _allowed_pattern(value: Any, _: ParameterType, description: str | None) -> Constraint:
    if not isinstance(value, str):
        raise BadValue(f"it has to be a string, and is {kind_of(value)}")
    try:
        patterns.check(value)
    except patterns.PatternError as error:
        raise BadValue(str(error)) from None
    return AllowedPattern(value, description)


def _custom(value: Any, _: ParameterType, description: str | None) -> Constraint:
    return CustomConstraint(str(value), description)


_MAKERS: Final[Mapping[str, Callable[[Any, ParameterType, str | None], Constraint]]] = {
    "range": _range,
    "length": _length,
    "modulo": _modulo,
    "allowed_values": _allowed_values,
    "allowed_pattern": _allowed_pattern,
    "custom_constraint": _custom,
}
