"""From the `parameters` section to schemas: types, flags and constraints (templates.md §12.1, §12.3).

Called by `parse`. All problems have the code INVALID_SCHEMA: the author of the template is at fault, not who
gives values.
"""

from __future__ import annotations

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
from engine.schema.types import BadValue
from engine.template import coercion
from engine.template.declarations import ParameterSchema, ParameterType
from engine.template.dialects import Dialect
from engine.template.hints import Hints
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
    found = {}
    hints = Hints()
    for name, entry in section.items():
        reader = _Reader(dialect, document, problems, ("parameters", str(name)), hints)
        if not isinstance(name, str):
            reader.problem((), f"a name has to be a string, and is {types.shown(name)}; put it in quotes")
        elif (schema := reader.schema(name, entry)) is not None:
            found[name] = schema
    return found


class _Reader:
    """Reads one parameter."""

    def __init__(self, dialect: Dialect, document: Document, problems: list[Problem], path: Path, hints: Hints) -> None:
        self._dialect = dialect
        self._document = document
        self._problems = problems
        self._path = path
        self._hints = hints

    def problem(self, below: Path, summary: str) -> None:
        """Note what is wrong below the parameter."""
        self._problems.append(self._document.problem((*self._path, *below), summary, Code.INVALID_SCHEMA))

    def schema(self, name: str, entry: Any) -> ParameterSchema | None:
        """Return the schema; None: it can't be used at all."""
        if not isinstance(entry, dict):
            self.problem((), f"a parameter has to be a map with at least a type, and is {kind_of(entry)}")
            return None
        for key in entry:
            if key not in self._dialect.parameter_keys:
                hint = self._hints.near(self._dialect.parameter_keys, key)
                self.problem((str(key),), f'"{key}" is not a keyword of a parameter{hint}')
        kind = self._type(entry)
        if kind is None:
            return None
        found = ParameterSchema(
            name=name,
            type=kind,
            default=entry.get("default"),
            has_default=entry.get("default") is not None,
            description=str(entry.get("description") or ""),
            label=str(entry.get("label") or ""),
            hidden=self._flag(entry, "hidden"),
            constraints=self._constraints(entry.get("constraints"), kind),
            immutable=self._flag(entry, "immutable"),
            tags=self._tags(entry.get("tags")),
            line=self._document.line(self._path),
        )
        self._check_default(found)
        return found

    def _type(self, entry: Mapping[str, Any]) -> ParameterType | None:
        written = entry.get("type")
        if isinstance(written, str) and written in list(ParameterType):
            return ParameterType(written)
        if written is None:
            self.problem((), f"a parameter has to have a type; known: {', '.join(ParameterType)}")
        else:
            hint = self._hints.near(list(ParameterType), written)
            self.problem(("type",), f"{types.shown(written)} is not a type of parameter{hint}")
        return None

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

    def _check_default(self, schema: ParameterSchema) -> None:
        """Hold the default against the constraints; one of the wrong type without any is noticed when it is used."""
        if not schema.has_default or not schema.constraints:
            return
        try:
            value = coercion.coerce(schema.type, schema.default)
        except BadValue as error:
            self.problem(("default",), f"invalid default: {error}")
            return
        for constraint in schema.constraints:
            if isinstance(constraint, CustomConstraint):
                continue  # what only a cloud can say is asked when the value is used
            wrong = constraints.check(constraint, coercion.KINDS[schema.type], value)
            if wrong is not None:
                self.problem(("default",), f"invalid default: {wrong}")

    def _constraints(self, written: Any, kind: ParameterType) -> tuple[Constraint, ...]:
        if written is None:
            return ()
        if not isinstance(written, list):
            self.problem(("constraints",), f"constraints have to be a list, and are {kind_of(written)}")
            return ()
        found = (self._constraint(item, kind, ("constraints", index)) for index, item in enumerate(written))
        return tuple(constraint for constraint in found if constraint is not None)

    def _constraint(self, item: Any, kind: ParameterType, path: Path) -> Constraint | None:
        if not isinstance(item, dict):
            self.problem(path, f"a constraint has to be a map, and is {kind_of(item)}")
            return None
        kinds = self._dialect.constraint_kinds
        for key in item:
            if key not in kinds and key != "description":
                hint = self._hints.near(kinds, key)
                self.problem((*path, key), f'"{key}" is not a constraint{hint}')
        # Of several in one item only the first counts, as templates have always been read (templates.md
        # §12.3).
        name = next((name for name in kinds if name in item), None)
        if name is None:
            self.problem(path, f"no constraint is given; known: {', '.join(kinds)}")
            return None
        if kind not in _LEGAL[name]:
            self.problem((*path, name), f"a parameter of type {kind} can't have the constraint {name}")
            return None
        description = None if item.get("description") is None else str(item["description"])
        try:
            return _MAKERS[name](item[name], kind, description)
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
