"""How much functions make and look at: counted before it is done, so that a few lines can't ask for more than there is.

Called by the families of functions. One result has limits of its own, for a message that names it; beyond them all
counts against what one template may have (`Scope.spend`). An amount is about a byte of memory, or as much time as
it takes to fill one: so a value costs more than a character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Final

from engine.schema import types
from engine.template.expressions import BadArgument, Scope

MAX_TEXT: Final = 2_000_000  # characters of one result
MAX_VALUES: Final = 200_000  # in one result, at every depth

VALUE: Final = 50  # the cost of a text, map or list beside what is in it, or of an entry of a map
PLACE: Final = 8  # of a place in a list
LOOK: Final = 8  # of looking at a value once
CHARACTERS_READ: Final = 10  # that cost as much to look at as one to make
_SHORT: Final = 1_000  # characters that are not worth the counting
_FLOAT: Final = 20  # characters of a number that is not whole, at most or nearly so
_WORDS: Final = (bool, NoneType)
_ENDLESS: Final = 10_000_000  # values and characters beyond which nobody counts on


def make_text(length: int, scope: Scope) -> None:
    """Count a text that is about to be made, in characters; raise `BadArgument` if it is too long for one result."""
    if length > MAX_TEXT:
        raise BadArgument(f"the result would have {length} characters; at most {MAX_TEXT} are allowed")
    scope.spend(length)


def make_values(count: int, scope: Scope, *, each: int = VALUE) -> None:
    """Count values that are about to be made; raise `BadArgument` if they are too many for one result."""
    if count > MAX_VALUES:
        raise BadArgument(f"the result would have {count} values; at most {MAX_VALUES} are allowed")
    scope.spend(count * each)


def read_text(text: str, scope: Scope) -> None:
    """Count a text that is about to be looked at."""
    scope.spend(len(text) // CHARACTERS_READ)


def read(value: Any, scope: Scope) -> Any:
    """Return a value, and count it: it is shared and not made, but whoever takes it looks at all of it."""
    if isinstance(value, str):
        if len(value) > _SHORT:
            read_text(value, scope)
    elif isinstance(value, list | Mapping):
        values, characters = measure(value)
        scope.spend(LOOK * values + characters // CHARACTERS_READ)
    return value


def measure(value: Any, most: int = _ENDLESS) -> tuple[int, int]:
    """Return how many values (keys too) and characters are in a value; it stops counting beyond `most` of both.

    Numbers have characters as well: about those of their text. What stands in several places counts in each.
    Nothing recurses.
    """
    values = 1
    characters = 0
    waiting: list[Iterable[Any]] = [(value,)]
    while waiting and values + characters <= most:
        for one in waiting.pop():
            kind = type(one)
            if kind is str:
                characters += len(one)
            elif kind is int:
                characters += 1 + one.bit_length() // 3
            elif kind is float:
                characters += _FLOAT
            elif kind in _WORDS:  # asked before the next two, which take longer to say no
                continue
            elif isinstance(one, list | tuple):
                values += len(one)
                waiting.append(one)
            elif isinstance(one, Mapping):
                values += 2 * len(one)
                characters += sum(len(key) for key in one if isinstance(key, str))
                waiting.append(one.values())
    return values, characters


def json_text(value: Any, scope: Scope) -> str:
    """Return a map or list as JSON with its keys in order; raise `BadArgument` if it has none, or too long a one."""
    values, characters = measure(value, MAX_TEXT)
    scope.spend(LOOK * values + characters)
    if values + characters > MAX_TEXT:
        raise BadArgument(f"the result would have too many characters; at most {MAX_TEXT} are allowed")
    try:
        text = json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        raise BadArgument(f"{types.shown(value)} can't be written as JSON") from None
    scope.spend(max(len(text) - characters, 0))
    return text
