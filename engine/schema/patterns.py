"""Regular expressions that users write, matched in time that is bounded by pattern times text.

Called by `constraints`. The standard library's matcher backtracks, so that `(a+)+b` takes years on thirty
letters, and no limit on the length of the text helps. Here the pattern becomes a small program, and no step
of it is tried twice at the same place of the text. Alternatives are tried in the order in which the standard
library tries them, so the first match is the same one (but for loops whose body can match nothing).
Back-references, look-behind and possessive quantifiers can't be had that way and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_PATTERN: Final = 4_000  # characters
MAX_PROGRAM: Final = 20_000  # instructions
MAX_STEPS: Final = 200_000  # instructions times places of the text: about a tenth of a second
MAX_GROUPS_DEEP: Final = 50

Test = Callable[[str], object]  # of one character; truthy: it fits
Check = Callable[[str, int], bool]  # of a place in a text


class PatternError(ValueError):
    """The pattern is wrong, or asks for more than is allowed here."""


@dataclass(frozen=True, slots=True)
class _Char:
    test: Test


@dataclass(frozen=True, slots=True)
class _Place:
    check: Check


@dataclass(frozen=True, slots=True)
class _Look:
    program: tuple[_Step, ...]
    wanted: bool  # False: negative look-ahead


@dataclass(frozen=True, slots=True)
class _Fork:
    first: int  # both relative to this step; `first` is preferred
    second: int


_Step = _Char | _Place | _Look | _Fork
_Program = tuple[_Step, ...]


def check(pattern: str) -> None:
    """Raise `PatternError` if the pattern can't be used."""
    _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Return whether the first match at the start of the text consumes it whole (templates.md §12.3)."""
    program = _compiled(pattern)
    if len(program) * (len(text) + 1) > MAX_STEPS:
        raise PatternError(f"a text of {len(text)} characters is too long to be matched with this pattern")
    return _first_end(program, text, 0) == len(text)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> _Program:
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern has {len(pattern)} characters; at most {MAX_PATTERN} are allowed")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"the pattern is not a regular expression: {error}") from None
    return _Parser(pattern).program()


def _first_end(program: _Program, text: str, start: int) -> int | None:
    """Return where the preferred match that begins at `start` ends; None: there is no match."""
    width = len(program) + 1
    tried: set[int] = set()
    waiting = [(0, start)]  # a stack: what was pushed last is preferred
    while waiting:
        step, place = waiting.pop()
        if step == len(program):
            return place
        if (key := place * width + step) in tried:
            continue
        tried.add(key)
        waiting += _after(program[step], (step, place), text)
    return None


def _after(done: _Step, at: tuple[int, int], text: str) -> tuple[tuple[int, int], ...]:
    """Return the (step, place) to go on with, the preferred one last; empty: it does not fit here."""
    step, place = at
    match done:
        case _Char(test):
            return ((step + 1, place + 1),) if place < len(text) and test(text[place]) else ()
        case _Fork(first, second):
            return ((step + second, place), (step + first, place))
        case _Place(holds):
            return ((step + 1, place),) if holds(text, place) else ()
        case _Look(inner, wanted):
            found = _first_end(inner, text, place) is not None
            return ((step + 1, place),) if found is wanted else ()


def _at_end(text: str, place: int) -> bool:
    return place == len(text) or (place == len(text) - 1 and text[place] == "\n")


def _at_word_edge(text: str, place: int) -> bool:
    before = place > 0 and re.match(r"\w", text[place - 1]) is not None
    after = place < len(text) and re.match(r"\w", text[place]) is not None
    return before is not after


_PLACES: Final[dict[str, Check]] = {
    "^": lambda _, place: place == 0,
    "$": _at_end,
    r"\A": lambda _, place: place == 0,
    r"\Z": lambda text, place: place == len(text),
    r"\b": _at_word_edge,
    r"\B": lambda text, place: not _at_word_edge(text, place),
}
_ATOM: Final = re.compile(
    r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\x..|\\u.{4}|\\U.{8}|\\N\{[^}]*\}|\\0[0-7]{0,2}|\\[0-3][0-7]{2}|\\.|.",
    re.DOTALL,
)
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{(\d+)\}|\{(\d*),(\d*)\})", re.ASCII)
_OPENING: Final = re.compile(r"\((\?P<\w+>|\?:|\?=|\?!|(?!\?))")
_FLAGS: Final = re.compile(r"\(\?([ais]+)\)")
_COMMENT: Final = re.compile(r"\(\?#[^)]*\)")


class _Parser:
    """Turns a pattern that is known to be well formed into a program; every fragment can be repeated."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._depth = 0
        self._flags = 0
        if found := _FLAGS.match(pattern):
            self._place = found.end()
            self._flags = sum(getattr(re, flag.upper()) for flag in set(found[1]))

    def program(self) -> _Program:
        return tuple(self._alternatives())

    def _take(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        found = wanted.match(self._pattern, self._place)
        if found:
            self._place = found.end()
        return found

    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _alternatives(self) -> list[_Step]:
        branches = [self._sequence()]
        while self._next() == "|":
            self._place += 1
            branches.append(self._sequence())
        program = branches.pop()
        while branches:
            branch = branches.pop()
            leap = _Fork(len(program) + 1, len(program) + 1)
            program = [_Fork(1, len(branch) + 2), *branch, leap, *program]
        return program

    def _sequence(self) -> list[_Step]:
        program: list[_Step] = []
        while self._next() not in ("", "|", ")"):
            if self._take(_COMMENT):
                continue
            program += self._repeated(self._group() if self._next() == "(" else self._atom())
            if len(program) > MAX_PROGRAM:
                raise PatternError("the pattern is too complex: its repetitions add up to too much")
        return program

    def _group(self) -> list[_Step]:
        opening = self._take(_OPENING)
        if opening is None:
            raise PatternError(f"the pattern uses {self._pattern[self._place :][:4]}…, which is not supported")
        self._depth += 1
        if self._depth > MAX_GROUPS_DEEP:
            raise PatternError(f"the pattern nests more than {MAX_GROUPS_DEEP} groups")
        inner = self._alternatives()
        self._depth -= 1
        self._place += 1  # the closing parenthesis
        if opening[1] in ("?=", "?!"):
            return [_Look(tuple(inner), opening[1] == "?=")]
        return inner

    def _atom(self) -> list[_Step]:
        found = self._take(_ATOM)
        atom = found[0] if found else ""
        if atom in _PLACES:
            return [_Place(_PLACES[atom])]
        if re.fullmatch(r"\\[1-9]", atom):
            raise PatternError(f"the pattern uses the back-reference {atom}, which is not supported")
        if len(atom) == 1 and atom != "." and not self._flags:
            return [_Char(atom.__eq__)]
        source = re.escape(atom) if len(atom) == 1 and atom != "." else atom
        return [_Char(re.compile(source, self._flags).match)]

    def _repeated(self, body: list[_Step]) -> list[_Step]:
        found = self._take(_QUANTIFIER)
        if found is None:
            return body
        least, most = _bounds(found)
        if self._next() == "+":
            raise PatternError("the pattern uses a possessive quantifier, which is not supported")
        lazy = self._next() == "?"
        self._place += lazy
        if (len(body) + 1) * max(least, most or 0, 1) > MAX_PROGRAM:
            raise PatternError("the pattern is too complex: its repetitions add up to too much")
        program = body * least
        if most is None:
            back = _Fork(-len(body) - 1, -len(body) - 1)
            return [*program, _fork(len(body) + 2, lazy), *body, back]
        for left in range(most - least, 0, -1):
            program += [_fork(left * (len(body) + 1), lazy), *body]
        return program


def _fork(skip: int, lazy: bool) -> _Fork:
    return _Fork(skip, 1) if lazy else _Fork(1, skip)


def _bounds(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """Return the least and the most repetitions; None: no upper bound."""
    exact, least, most = quantifier.groups()
    if exact is not None:
        return int(exact), int(exact)
    if least is not None:
        return int(least or 0), int(most) if most else None
    return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier[0]]
