"""yaql: what an expression makes of plain data, within yaql's own limits (templates.md §6.12).

Run by the worker of `runtime.cage`, and in tests. Those limits count items and the bytes of single values, so an
expression can still take all time and memory there is: an engine never calls `run` or `check` in its own process,
it asks through `Queries`. What the answer must have is decided here and not by yaql: it is JSON, and no larger than
a value may be. yaql is imported when it is first needed; most engines never do.

The functions of yaql see plain data only: no object that it could look into is ever given to it, and the part of its
library that would (`yaqlized`) is left out. `now`, `localtz` and `random` are there as in Heat; a walk that evaluates
again gets another answer from them.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, MappingView, Set
from dataclasses import dataclass
from typing import Any, Final, Protocol

from engine.model.errors import Code
from engine.template.expressions import BadArgument

MAX_RESULT: Final = 1_000_000  # characters of JSON
MAX_DEPTH: Final = 100  # maps and lists inside each other in a result

_TOO_LARGE: Final = 10**1_000  # for an integer: no one keeps more than a thousand digits
_SHOWN: Final = 60  # characters of an expression that a message repeats
_REASON: Final = 200  # characters of what yaql says
_NO_JSON: Final = {
    "datetime": "a point in time, which JSON does not have; .format(…) makes text of it",
    "timedelta": "a span of time, which JSON does not have; .totalSeconds and the like make a number of it",
    "Pattern": "a regular expression; .matches(…) and .search(…) use it",
    "Context": "a set of variables; -> and an expression use it",
}


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What yaql itself limits (templates.md §6.12); -1: no limit."""

    limit_iterators: int = 200  # items of one list, map or set, in the data that is looked at and in the result
    memory_quota: int = 10_000  # bytes of one value, what it holds not counted


DEFAULT_LIMITS: Final = QueryLimits()


class Queries(Protocol):
    """Whoever computes yaql expressions. This module is one, in process; `runtime.cage` is the one for engines."""

    def check(self, expression: str) -> None:
        """Raise `BadArgument` if the text is no yaql expression."""

    def run(self, expression: str, data: Any) -> Any:
        """Return the value of an expression as plain JSON data, `data` being `$.data`; `BadArgument`: it has none."""


class _Refused(BadArgument):
    """What an expression yields can't be a value of a template; the caller of `_Plain` adds which expression."""


def check(expression: str, limits: QueryLimits = DEFAULT_LIMITS) -> None:
    """Raise `BadArgument` if the text is no yaql expression."""
    _parsed(expression, limits)


def run(expression: str, data: Any, limits: QueryLimits = DEFAULT_LIMITS) -> Any:
    """Return the value of an expression as plain JSON data; `data` is what it finds as `$.data`.

    Raise `BadArgument` if the text is no expression or has no value, with REQUEST_LIMIT_EXCEEDED if a limit is in
    the way. `MemoryError` is the caller's to handle: only a process that ends afterwards can.
    """
    statement = _parsed(expression, limits)
    try:
        # A context of its own for each run: `def` and `let` write into it.
        found = statement.evaluate({"data": data}, _context().create_child_context())
        return _Plain(limits.limit_iterators).value(found)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  a function of yaql raises whatever Python does
        reason, code = _explained(error)
        raise BadArgument(f"the yaql expression {shown(expression)} has no value: {reason}", code) from None


def shown(expression: str) -> str:
    """Return an expression as messages repeat it: quoted, on one line, cut when long."""
    text = " ".join(expression[: 4 * _SHOWN].split())
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…"'


def _parsed(expression: str, limits: QueryLimits) -> Any:
    try:
        return _engine(limits)(expression)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  as above
        reason, code = _explained(error)
        raise BadArgument(f"{shown(expression)} is no yaql expression: {reason}", code) from None


@functools.cache
def _engine(limits: QueryLimits) -> Any:
    import yaql  # type: ignore[import-untyped]  # noqa: PLC0415

    options = {
        "yaql.limitIterators": limits.limit_iterators,
        "yaql.memoryQuota": limits.memory_quota,
        "yaql.convertOutputData": False,  # `_Plain` does
    }
    return yaql.YaqlFactory().create(options)


@functools.cache
def _context() -> Any:
    import yaql  # noqa: PLC0415

    return yaql.create_context(yaqlized=False)


def _explained(error: Exception) -> tuple[str, Code]:
    """Return why there is no value, on one line, and the code. The data is not repeated: it may be secret."""
    from yaql.language import exceptions  # type: ignore[import-untyped]  # noqa: PLC0415

    if isinstance(error, exceptions.WrappedException):
        error = error.wrapped
    code = Code.STACK_VALIDATION_FAILED
    match error:
        case _Refused():
            reason, code = str(error), error.code
        case RecursionError():
            reason, code = "it is nested too deeply", Code.REQUEST_LIMIT_EXCEEDED
        case exceptions.CollectionTooLargeException() | exceptions.MemoryQuotaExceededException():
            reason, code = str(error), Code.REQUEST_LIMIT_EXCEEDED
        case exceptions.YaqlParsingException():
            reason = str(error).partition(" of expression '")[0]
        case exceptions.MethodResolutionError():
            reason = "".join(_around(str(error), " for receiver ", " matches supplied arguments"))
        case exceptions.YaqlException():
            reason = str(error) or type(error).__name__
        case KeyError():
            reason = f"there is no key {error}"
        case StopIteration() | RuntimeError(__cause__=StopIteration()):
            reason = "there is no such item"
        case _:
            reason = f"{type(error).__name__}: {str(error).partition('; use sys.')[0]}"
    return _one_line(reason), code


def _around(text: str, begin: str, end: str) -> tuple[str, str]:
    before, found, _ = text.partition(begin)
    return before, end if found and text.endswith(end) else ""


def _one_line(text: str) -> str:
    line = " ".join(text[: 4 * _REASON].split())
    return line if len(line) <= _REASON else f"{line[:_REASON]}…"


class _Plain:
    """Makes JSON data of what an expression yields, which may be lazy, endless, or far larger than it was built."""

    def __init__(self, limit_iterators: int) -> None:
        self._limit = limit_iterators
        self._left = MAX_RESULT

    def value(self, found: Any, depth: int = 0) -> Any:
        """Return the data; raise `_Refused`, or whatever a lazy part of it raises."""
        if depth > MAX_DEPTH:
            too_deep = f"its value has more than {MAX_DEPTH} maps and lists inside each other"
            raise _Refused(too_deep, Code.REQUEST_LIMIT_EXCEEDED)
        self._spend(2)
        match found:
            case None | bool():
                return found
            case int() | float():
                return self._number(found)
            case str():
                return self._text(found)
            case Mapping():
                return self._map(found, depth)
            case Set() if not isinstance(found, MappingView):  # keys and items have an order, that of the map
                return _sorted(self._list(found, depth))
            case Iterable():
                return self._list(found, depth)
            case _:
                kind = type(found).__name__
                raise _Refused(f"its value has {_NO_JSON.get(kind, f'a {kind} in it, which JSON does not have')}")

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            text = f"its value would be more than {MAX_RESULT} characters of JSON"
            raise _Refused(text, Code.REQUEST_LIMIT_EXCEEDED)

    def _items(self, found: Iterable[Any]) -> Iterator[Any]:
        for count, item in enumerate(found):
            if 0 <= self._limit <= count:
                text = f"its value has a collection of more than {self._limit} items"
                raise _Refused(text, Code.REQUEST_LIMIT_EXCEEDED)
            yield item

    def _list(self, found: Iterable[Any], depth: int) -> list[Any]:
        return [self.value(item, depth + 1) for item in self._items(found)]

    def _map(self, found: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, item in self._items(found.items()):
            name = self._key(key)
            if name in plain:
                raise _Refused(f"its value has a map with two keys that are {json.dumps(name[:_SHOWN])} in JSON")
            plain[name] = self.value(item, depth + 1)
        return plain

    def _key(self, key: Any) -> str:
        match key:
            case str():
                return self._text(key)
            case None | bool() | int() | float():  # as JSON has always had them: the text of the number or word
                return json.dumps(self.value(key))
            case _:
                raise _Refused("its value has a map with a key that is neither text nor a number")

    def _number(self, found: float) -> int | float:
        if isinstance(found, int):
            if abs(found) >= _TOO_LARGE:
                raise _Refused("its value has an integer of more than 1000 digits", Code.REQUEST_LIMIT_EXCEEDED)
        elif not math.isfinite(found):
            raise _Refused(f"its value has a number that is not finite: {found}")
        self._spend(len(repr(found)))
        return found

    def _text(self, found: str) -> str:
        self._spend(len(found))
        if not found.isascii():
            try:
                found.encode()
            except UnicodeEncodeError:
                raise _Refused("its value has text with half of a surrogate pair") from None
        return found


def _sorted(items: list[Any]) -> list[Any]:
    """Return the items of a set in an order that is the same in every process."""
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
