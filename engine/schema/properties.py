"""What a resource type takes: the properties it declares, and how given values are checked against them.

Resource types declare a `PropertyGroup`; template and runtime call `resolve` with evaluated values. All
problems come back at once, with paths below the map of properties. A value that is not known yet (`UNKNOWN`)
passes every check: it is checked again when it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypedDict, Unpack

from engine.model.problems import Path, Problem
from engine.schema import constraints, types
from engine.schema.constraints import NO_CUSTOM, Constraint, Custom
from engine.schema.hints import Hints
from engine.schema.support import SUPPORTED, Support
from engine.schema.types import UNKNOWN, BadValue, Kind

_PLAIN: Final = ("default", "required", "on_change", "support", "implemented", "allow_conversion", "name")


class OnChange(Enum):
    """What a changed property asks for, once the resource is built."""

    UPDATE = "update"  # the type can change it in place
    REPLACE = "replace"  # a new resource takes over
    REFUSE = "refuse"  # the update fails


@dataclass(frozen=True, slots=True)
class PropertySchema:
    """One property, or the fields of a map, or the items of a list."""

    kind: Kind
    description: str = ""
    default: Any = None  # None: no default
    required: bool = False
    on_change: OnChange = OnChange.REPLACE  # counts at the top level only
    constraints: tuple[Constraint, ...] = ()
    fields: Mapping[str, PropertySchema] | None = None  # of a Map; None: it is free
    items: PropertySchema | None = None  # of a List; None: they are free
    support: Support = SUPPORTED
    implemented: bool = True
    allow_conversion: bool = False  # takes text where a map or list is wanted: parameters of nested templates
    name: str = ""  # where it is no Python identifier; "": as the class attribute is called


def shown(schemas: Mapping[str, PropertySchema]) -> dict[str, PropertySchema]:
    """Return the properties that templates may use: what is implemented and not hidden."""
    return {name: one for name, one in schemas.items() if one.implemented and not one.support.is_hidden}


class PropertyGroup:
    """Base of the classes in whose body a type declares its properties; `schemas` has them by name."""

    schemas: ClassVar[Mapping[str, PropertySchema]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {schema.name or key: schema for key, schema in vars(cls).items() if isinstance(schema, PropertySchema)}
        cls.schemas = MappingProxyType({**cls.schemas, **own})


class Options(TypedDict, total=False):
    """What the builders below take beside the description; a bound that is None is no bound."""

    default: Any
    required: bool
    on_change: OnChange
    one_of: tuple[Any, ...]
    between: tuple[float | None, float | None]
    length: tuple[int | None, int | None]
    pattern: str
    custom: str
    support: Support
    implemented: bool
    allow_conversion: bool
    name: str


def string(description: str, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a text."""
    return _built(Kind.STRING, description, options)


def integer(description: str, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a whole number."""
    return _built(Kind.INTEGER, description, options)


def number(description: str, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a number."""
    return _built(Kind.NUMBER, description, options)


def boolean(description: str, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a truth value."""
    return _built(Kind.BOOLEAN, description, options)


def anything(description: str, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a value of any kind."""
    return _built(Kind.ANY, description, options)


def mapping(
    description: str,
    fields: Mapping[str, PropertySchema] | type[PropertyGroup] | None = None,
    **options: Unpack[Options],
) -> PropertySchema:
    """Return the schema of a map; with fields (a mapping, or a group) only those are allowed in it."""
    schemas = fields.schemas if isinstance(fields, type) else fields
    return replace(_built(Kind.MAP, description, options), fields=schemas)


def listing(description: str, items: PropertySchema | None = None, **options: Unpack[Options]) -> PropertySchema:
    """Return the schema of a list; with `items` every item is of that schema."""
    return replace(_built(Kind.LIST, description, options), items=items)


def _built(kind: Kind, description: str, options: Options) -> PropertySchema:
    checks: list[Constraint] = []
    if "one_of" in options:
        checks.append(constraints.AllowedValues(options["one_of"]))
    if "between" in options:
        checks.append(constraints.Range(*options["between"]))
    if "length" in options:
        checks.append(constraints.Length(*options["length"]))
    if "pattern" in options:
        checks.append(constraints.AllowedPattern(options["pattern"]))
    if "custom" in options:
        checks.append(constraints.CustomConstraint(options["custom"]))
    plain: dict[str, Any] = {key: value for key, value in options.items() if key in _PLAIN}
    return PropertySchema(kind, description, constraints=tuple(checks), **plain)


class PropertyValues(Mapping[str, Any]):
    """Values of properties, readable as `values["length"]` and as `values.length`."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"there is no property {name}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"PropertyValues({sorted(self._values)})"  # names only: values may be secret


@dataclass(frozen=True, slots=True)
class Resolved:
    """Values with defaults filled in, and what is wrong with them; the values count only if nothing is."""

    values: dict[str, Any]
    problems: tuple[Problem, ...] = ()


def resolve(
    schemas: Mapping[str, PropertySchema],
    given: Mapping[str, Any],
    *,
    custom: Custom = NO_CUSTOM,
    hints: Hints | None = None,
) -> Resolved:
    """Return every property with its value, converted and checked (templates.md §14.2, §14.3).

    `hints` are shared by all that is checked together; without them the call has a stock of its own.
    """
    problems: list[Problem] = []
    values = _Checker(problems, custom, hints or Hints()).fields(schemas, given, ())
    return Resolved(values, tuple(problems))


class _Checker:
    """One call of `resolve`: collects problems on the way down."""

    __slots__ = ("_custom", "_hints", "_problems")

    def __init__(self, problems: list[Problem], custom: Custom, hints: Hints) -> None:
        self._problems = problems
        self._custom = custom
        self._hints = hints

    def fields(self, schemas: Mapping[str, PropertySchema], given: Mapping[str, Any], path: Path) -> dict[str, Any]:
        if not given.keys() <= schemas.keys():
            self._unknown([str(name) for name in given if name not in schemas], schemas, path)
        return {name: self._field(schema, given, (*path, name)) for name, schema in schemas.items()}

    def _unknown(self, names: list[str], schemas: Mapping[str, PropertySchema], path: Path) -> None:
        for name in names:
            hint = self._hints.near((key for key, one in schemas.items() if one.implemented), name)
            self._problems.append(Problem((*path, name), f'there is no property "{name}"{hint}'))

    def _field(self, schema: PropertySchema, given: Mapping[str, Any], path: Path) -> Any:
        name = str(path[-1])
        if name in given:
            if not schema.implemented and given[name] is not None:
                self._problems.append(Problem(path, f'the property "{name}" is not implemented yet'))
            return self._value(schema, given[name], path)
        if schema.default is not None:
            return self._value(schema, schema.default, path)
        if schema.required:
            self._problems.append(Problem(path[:-1], f'the property "{name}" is required, but not given'))
        return None

    def _value(self, schema: PropertySchema, value: Any, path: Path) -> Any:
        if value is UNKNOWN:
            return value
        if value is None:  # an explicit null is a value: the default, else nothing of its kind
            value = schema.default if schema.default is not None else types.zero(schema.kind)
            if value is None:
                return None
        try:
            value = types.convert(schema.kind, value, allow_conversion=schema.allow_conversion)
        except BadValue as error:
            self._problems.append(Problem(path, str(error)))
            return value
        if schema.fields is not None and isinstance(value, Mapping):
            value = self.fields(schema.fields, value, path)
        elif schema.items is not None and isinstance(value, list):
            items = schema.items
            value = [self._value(items, item, (*path, index)) for index, item in enumerate(value)]
        if schema.constraints and not types.contains_unknown(value):
            self._constraints(schema, value, path)
        return value

    def _constraints(self, schema: PropertySchema, value: Any, path: Path) -> None:
        for constraint in schema.constraints:
            problem = constraints.check(constraint, schema.kind, value, custom=self._custom)
            if problem is not None:
                self._problems.append(Problem(path, problem))
