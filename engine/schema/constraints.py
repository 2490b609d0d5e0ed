"""What a value must satisfy beyond its kind (templates.md §12.3), for properties and parameters alike.

Called by `properties` and by the template floor. A constraint that only a cloud can answer is a name here,
looked up in a mapping that the caller passes in; one that the mapping lacks is a problem, never silently
satisfied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, assert_never

from engine.schema import patterns, types
from engine.schema.types import BadValue, Kind

Custom = Mapping[str, Callable[[Any], str | None]]  # name → what is wrong with a value, None: nothing
NO_CUSTOM: Final[Custom] = MappingProxyType({})


class _AnyCustom(Mapping[str, Callable[[Any], str | None]]):
    """Has every name, and finds nothing wrong."""

    def __getitem__(self, name: str) -> Callable[[Any], str | None]:
        return _passes

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _passes(_: Any) -> str | None:
    return None


ANY_CUSTOM: Final[Custom] = _AnyCustom()  # for values that were checked when they came


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, both inclusive."""

    minimum: float | None = None  # None: no lower bound
    maximum: float | None = None  # None: no upper bound
    description: str | None = None  # replaces the generated message; None: none given


@dataclass(frozen=True, slots=True)
class Length:
    """So many characters, items or keys, both bounds inclusive."""

    minimum: int | None = None  # None: no lower bound
    maximum: int | None = None  # None: no upper bound
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Modulo:
    """A number that leaves `offset` when divided by `step`; the sign of the rest is that of the step."""

    step: int
    offset: int
    description: str | None = None


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """One of these; for a list, every item is one of these."""

    allowed: tuple[Any, ...]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class AllowedPattern:
    """Text that a regular expression consumes whole by the first match that it finds."""

    pattern: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CustomConstraint:
    """A check by name, answered elsewhere."""

    name: str
    description: str | None = None


Constraint = Range | Length | Modulo | AllowedValues | AllowedPattern | CustomConstraint


def check(constraint: Constraint, kind: Kind, value: Any, *, custom: Custom = NO_CUSTOM) -> str | None:
    """Return what is wrong with a converted value, or None.

    The author's own description takes the place of the generated text.
    """
    problem = _violation(constraint, kind, value, custom=custom)
    return problem if problem is None else constraint.description or problem


def _violation(constraint: Constraint, kind: Kind, value: Any, *, custom: Custom) -> str | None:
    match constraint:
        case Range():
            return _check_range(constraint, value)
        case Length():
            return _check_length(constraint, value)
        case Modulo():
            return _check_modulo(constraint, value)
        case AllowedValues():
            return _check_allowed(constraint, kind, value)
        case AllowedPattern():
            return _check_pattern(constraint, value)
        case CustomConstraint():
            return _check_custom(constraint, value, custom)
        case _:
            assert_never(constraint)


def _bounds(minimum: float | None, maximum: float | None) -> str:
    parts = []
    if minimum is not None:
        parts.append(f"min: {minimum}")
    if maximum is not None:
        parts.append(f"max: {maximum}")
    return f"({', '.join(parts)})"


def _outside(number: float, minimum: float | None, maximum: float | None) -> bool:
    return (minimum is not None and number < minimum) or (maximum is not None and number > maximum)


def _check_range(constraint: Range, value: Any) -> str | None:
    if value is None or not _outside(types.number(value), constraint.minimum, constraint.maximum):
        return None
    return f"{types.shown(value)} is out of range {_bounds(constraint.minimum, constraint.maximum)}"


def _check_length(constraint: Length, value: Any) -> str | None:
    length = len(value) if isinstance(value, str | list | tuple | Mapping) else len(str(value))
    if not _outside(length, constraint.minimum, constraint.maximum):
        return None
    return f"length ({length}) is out of range {_bounds(constraint.minimum, constraint.maximum)}"


def _check_modulo(constraint: Modulo, value: Any) -> str | None:
    if types.number(value) % constraint.step == constraint.offset:
        return None
    return f"{types.shown(value)} is not a multiple of {constraint.step} with an offset of {constraint.offset}"


def _check_allowed(constraint: AllowedValues, kind: Kind, value: Any) -> str | None:
    if isinstance(value, list | tuple):
        strangers = [item for item in value if item not in constraint.allowed]
    else:
        strangers = [] if value in _converted(kind, constraint.allowed) else [value]
    if not strangers:
        return None
    return f"{types.shown(strangers[0])} is not an allowed value {types.shown(list(constraint.allowed))}"


def _converted(kind: Kind, allowed: tuple[Any, ...]) -> list[Any]:
    """Return the allowed values as the kind has them; one that it can't have matches nothing."""
    found = []
    for item in allowed:
        try:
            found.append(types.convert(kind, item))
        except BadValue:
            continue
    return found


def _check_pattern(constraint: AllowedPattern, value: Any) -> str | None:
    text = value if isinstance(value, str) else str(value)
    try:
        if patterns.matches(constraint.pattern, text):
            return None
    except patterns.PatternError as error:
        return str(error)
    return f"{types.shown(text)} does not match pattern {types.shown(constraint.pattern)}"


def _check_custom(constraint: CustomConstraint, value: Any, custom: Custom) -> str | None:
    found = custom.get(constraint.name)
    if found is None:
        return f"there is no custom constraint {constraint.name} to check {types.shown(value)} with"
    return found(value)
