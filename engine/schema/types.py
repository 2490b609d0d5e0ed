"""The seven kinds of value of a property, and how what a user wrote becomes one (templates.md §14.2).

Called by `properties` and by the template floor for parameters. The decision a reader could not guess:
numbers are always finite and integers are bounded, because every value has to survive a trip through JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, StrEnum
from typing import Any, Final

MAX_DIGITS: Final = 1_000  # of an integer; Python itself refuses to print one of more than 4,300
_IN_PIECES: Final = json.JSONEncoder(ensure_ascii=False, default=repr).iterencode
_SHOWN: Final = 80  # characters of a value that a message repeats


class Kind(StrEnum):
    """What a property may hold."""

    STRING = "String"
    INTEGER = "Integer"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    MAP = "Map"
    LIST = "List"
    ANY = "Any"


class BadValue(ValueError):
    """A value does not fit its kind; the message says why, the caller knows where."""


class Unknown(Enum):
    """The kind of `UNKNOWN`: one value, the same after any copy."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN  # stands for a value that is not known before the walk reaches it


def contains_unknown(value: Any) -> bool:
    """Return whether `UNKNOWN` is the value, or anywhere in it."""
    waiting: list[Iterable[Any]] = [(value,)]
    while waiting:
        for one in waiting.pop():
            kind = type(one)
            if kind is str or kind is int:  # nearly all that there is
                continue
            if one is UNKNOWN:
                return True
            if isinstance(one, list | tuple):
                waiting.append(one)
            elif isinstance(one, Mapping):
                waiting.append(one.values())
    return False


def convert(kind: Kind, value: Any, *, allow_conversion: bool = False) -> Any:
    """Return a non-null value as its kind has it, or raise `BadValue` (templates.md §14.2).

    With `allow_conversion` a Map also takes text (as it is) and a list (as JSON text), and a List takes text
    split at commas: what json and list parameters of nested templates accept.
    """
    if value is UNKNOWN:
        return value
    if allow_conversion:
        value = _loosen(kind, value)
        if value is UNKNOWN or (kind is Kind.MAP and isinstance(value, str)):
            return value
    return _CONVERTERS[kind](value)


def zero(kind: Kind) -> Any:
    """Return what an explicit null becomes where the schema has no default."""
    match kind:
        case Kind.STRING:
            return ""
        case Kind.INTEGER | Kind.NUMBER:
            return 0
        case Kind.BOOLEAN:
            return False
        case Kind.MAP:
            return {}
        case Kind.LIST:
            return []
        case Kind.ANY:
            return None


def shown(value: Any) -> str:
    """Return a value as messages repeat it: JSON, cut when long; only as much is written as is shown."""
    text = ""
    try:
        for piece in _IN_PIECES(value):
            text += piece
            if len(text) > _SHOWN:
                break
    except (ValueError, TypeError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def number(value: Any) -> int | float:
    """Return a number from a number or its text; raise `BadValue` for all else and what is not finite."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    found: int | float = math.nan
    if isinstance(value, str):
        found = _parsed(value)
    elif isinstance(value, float):
        found = value
    if not math.isfinite(found):
        raise BadValue(f"{shown(value)} is not a number")
    return found


def _parsed(text: str) -> int | float:
    if len(text) > MAX_DIGITS:
        return math.nan
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return math.nan


def _loosen(kind: Kind, value: Any) -> Any:
    if kind is Kind.MAP and isinstance(value, list):
        return UNKNOWN if contains_unknown(value) else json.dumps(value)
    if kind is Kind.LIST and isinstance(value, str):
        return value.split(",") if value else []
    return value


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):  # a bool too: its text is True or False, as templates have always seen it
        return str(value)
    raise BadValue(f"{shown(value)} is not a string")


def _integer(value: Any) -> int:
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_DIGITS):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise BadValue(f"{shown(value)} is not an integer")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise BadValue(f"{shown(value)} is not a boolean; write true or false")


def _map(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise BadValue(f"{shown(value)} is not a map")


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise BadValue(f"{shown(value)} is not a list")


def _any(value: Any) -> Any:
    return value


_CONVERTERS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.STRING: _string,
    Kind.INTEGER: _integer,
    Kind.NUMBER: number,
    Kind.BOOLEAN: _boolean,
    Kind.MAP: _map,
    Kind.LIST: _list,
    Kind.ANY: _any,
}
