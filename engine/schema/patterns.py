"""Regular expressions that users write: answered as the standard library does, in bounded time and memory.

Called by `constraints`, by the schemas of template parameters and by the list of resource types. The standard
library's matcher backtracks without a limit and holds the interpreter meanwhile, so it gets no text. Its parser is
asked what a pattern means, and `_Writer` writes that down in words that mean the same to two other matchers: RE2
takes time linear in the text, but has no look-around and no back-references; `regex` has them, and stops in time.
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from re import _constants as ops  # type: ignore[attr-defined]  # the parser of the standard library is not public
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

import re2  # type: ignore[import-untyped]
import regex

MAX_PATTERN: Final = 4_000  # characters
MAX_COST: Final = 10_000  # atoms of a pattern, each as often as its repetitions ask for at the least
MAX_FOREIGN: Final = 3_000  # different characters in a text, those of ASCII not counted
MAX_STEPS: Final = 20_000_000  # instructions times bytes, for RE2: a fifth of a second at the worst
MAX_MEMORY: Final = 1 << 18  # bytes that a pattern of RE2 may keep
MAX_COUNTS: Final = 1_000  # repetitions that RE2 may count, all together
MAX_TEXT: Final = 100_000  # characters, for `regex`
MAX_READS: Final = 800_000  # characters times ranges of the widest class, for `regex`: it looks at them one by one
MAX_LITERAL: Final = 16  # characters in a row, for `regex`: preparing to search for a long string takes time cubed
# Seconds of processor time for `regex`, and whether others may run meanwhile. The clock counts their time too, so that
# a match of no length has to come to its end alone; in all this time it can take some fifty megabytes.
TURNS: Final = ((0.02, False), (0.05, True))

_ASCII: Final = "".join(map(chr, range(128)))
_ANY: Final = "(?s:.)"
_NONE: Final = "[^\0-\U0010ffff]"
_EDGE: Final = "(?:(?<={0})(?!{0})|(?<!{0})(?={0}))"  # of a word; {0}: a character of one
# In an empty text there is no edge of a word and, before Python 3.14, no place that is none.
_PLACE: Final = "" if re.match(r"\B", "") else f"(?:(?={_ANY})|(?<={_ANY}))"
_GREED: Final = {ops.MAX_REPEAT: "", ops.MIN_REPEAT: "?", ops.POSSESSIVE_REPEAT: "+"}
_NAMES: Final = (("DIGIT", r"\d"), ("SPACE", r"\s"), ("WORD", r"\w"))
_CATEGORIES: Final = {getattr(ops, f"CATEGORY_{name}"): shown for name, shown in _NAMES} | {
    getattr(ops, f"CATEGORY_NOT_{name}"): shown.upper() for name, shown in _NAMES
}

_Item = tuple[Any, Any]  # of the parser's tree: what it is, and its details

# What a later Python may read otherwise is no news to anybody here. Once for the process: threads can't have filters.
warnings.filterwarnings("ignore", "Possible (nested )?set ", FutureWarning)


class PatternError(ValueError):
    """The pattern is wrong, or asks for more than is allowed here."""


class _Matchers(NamedTuple):
    linear: Any  # of RE2; None: it can't have this pattern
    other: Any  # of `regex`
    width: int  # ranges of the widest class
    has_end: bool  # with `$`, which holds before a newline that ends the text, but not for RE2


def check(pattern: str) -> None:
    """Raise `PatternError` if the pattern can't be used."""
    _compiled(pattern, "")


def matches(pattern: str, text: str) -> bool:
    """Return whether the first match at the start of the text consumes it whole (templates.md §12.3).

    Raise `PatternError` if the pattern can't be used, or would take too long with this text.
    """
    foreign = "" if text.isascii() else "".join(sorted(set(text).difference(_ASCII)))
    if len(foreign) > MAX_FOREIGN:
        raise PatternError(f"the text has {len(foreign)} different characters; at most {MAX_FOREIGN} can be matched")
    linear, other, width, has_end = _compiled(pattern, foreign)
    encoded = text.encode(errors="surrogatepass")
    if linear and linear.programsize * len(encoded) <= MAX_STEPS and not (has_end and text.endswith("\n")):
        found = linear.match(encoded)
        return found is not None and bool(found.end() == len(encoded))
    if len(text) > MAX_TEXT or len(text) * width > MAX_READS:
        raise PatternError(f"a text of {len(text)} characters is too long to be matched with this pattern")
    for seconds, among_others in TURNS:
        with suppress(TimeoutError, MemoryError):
            found = other.match(text, timeout=seconds, concurrent=among_others)
            return found is not None and bool(found.end() == len(text))
    raise PatternError(f"it takes too long to match a text of {len(text)} characters with this pattern")


@lru_cache(maxsize=64)
def _compiled(pattern: str, foreign: str) -> _Matchers:
    """Return what matches texts that consist of ASCII and the foreign characters."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern has {len(pattern)} characters; at most {MAX_PATTERN} are allowed")
    writer = _Writer(foreign)
    try:
        tree = parser.parse(pattern)
        source = writer.sequence(tree, tree.state.flags, 1)
        other = regex.compile(source, regex.VERSION0, cache_pattern=False)
    except RecursionError:
        raise PatternError("the pattern nests too many groups") from None
    except (re.error, OverflowError) as error:
        raise PatternError(f"the pattern is not a regular expression: {error}") from None
    return _Matchers(_linear(source) if writer.is_linear else None, other, writer.width, writer.has_end)


def _linear(source: str) -> Any:
    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = MAX_MEMORY, True, False
    try:
        return re2.compile(source.encode(errors="surrogatepass"), options)
    except re2.error:
        return None


class _Writer:
    """Writes a pattern down again from its tree; `times` is how often a part has to match at the least."""

    def __init__(self, foreign: str) -> None:
        self.is_linear = True
        self.has_end = False
        self.width = 1
        self._alphabet = _ASCII + foreign
        self._cost = self._counts = self._literals = 0

    def sequence(self, tree: Any, flags: int, times: int) -> str:
        """Return the pattern that matches the items of the tree, one after the other."""
        return "".join(self._item(item, flags, times) for item in tree)

    def _item(self, item: _Item, flags: int, times: int) -> str:
        self._spend(times)
        op, value = item
        if op in _GREED:
            return self._repeated(item, flags, times)
        if op is ops.AT:
            return self._place(value, flags)
        if op is ops.ANY:
            return _ANY if flags & re.DOTALL else "."
        if op is ops.IN:
            return self._class(value, flags, times)
        if op is ops.NOT_LITERAL:
            return self._class([(ops.NEGATE, None), (ops.LITERAL, value)], flags, times)
        if op is ops.LITERAL:
            self._literals += 1
            pause = "" if self._literals % MAX_LITERAL else f"{_NONE}?"
            return pause + (self._class([item], flags, times) if flags & re.IGNORECASE else re.escape(chr(value)))
        return self._group(item, flags, times)

    def _spend(self, cost: int) -> None:
        self._cost += cost
        if self._cost > MAX_COST:
            raise PatternError("the pattern is too complex: its repetitions and classes add up to too much")

    def _class(self, items: list[_Item], flags: int, times: int) -> str:
        """Write which characters of the text fit: case and Unicode are the standard library's business."""
        self._spend(len(self._alphabet) >> 7)
        self._spend(sum(min(value[1] - value[0], 0xFFFF) >> 8 for op, value in items if op is ops.RANGE))
        shown = "[" + "".join(map(_shown, items)) + "]"
        fitting = set(re.findall(shown, self._alphabet, flags & (re.IGNORECASE | re.ASCII)))
        runs = [list(run) for fits, run in groupby(self._alphabet, fitting.__contains__) if fits]
        self._spend(times * len(runs))
        self.width = max(self.width, len(runs))
        return "[" + "".join(_run(run[0], run[-1]) for run in runs) + "]" if runs else _NONE

    def _place(self, where: Any, flags: int) -> str:
        lines = flags & re.MULTILINE
        self.has_end |= where is ops.AT_END and not lines
        if where is ops.AT_END:
            return "(?m:$)" if lines else "$"
        if where is ops.AT_END_STRING:
            return r"\z"
        if where in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
            return "(?m:^)" if lines and where is ops.AT_BEGINNING else r"\A"
        if where is ops.AT_BOUNDARY and self._alphabet == _ASCII:
            return r"\b"
        self.is_linear = False
        edge = _EDGE.format(self._class([(ops.CATEGORY, ops.CATEGORY_WORD)], flags, 1))
        return edge if where is ops.AT_BOUNDARY else f"(?!{edge}){_PLACE}"

    def _repeated(self, item: _Item, flags: int, times: int) -> str:
        op, (least, most, body) = item
        self._counts += least if most is ops.MAXREPEAT else most
        # Which empty round is the last of a loop, RE2 decides in its own way.
        is_loop_of_something = most <= 1 or body.getwidth()[0] > 0
        self.is_linear &= is_loop_of_something and op is not ops.POSSESSIVE_REPEAT and self._counts <= MAX_COUNTS
        inner = self.sequence(body, flags, times * max(least, 1))
        return f"(?:{inner}){{{least},{'' if most is ops.MAXREPEAT else most}}}{_GREED[op]}"

    def _group(self, item: _Item, flags: int, times: int) -> str:
        op, value = item
        if op is ops.BRANCH:
            return "(?:" + "|".join(self.sequence(branch, flags, times) for branch in value[1]) + ")"
        if op is ops.SUBPATTERN:
            number, more, less, body = value
            flags &= ~(re.ASCII | re.UNICODE) if more & (re.ASCII | re.UNICODE) else ~0
            inner = self.sequence(body, (flags | more) & ~less, times)
            return f"({inner})" if number else f"(?:{inner})"
        self.is_linear = False
        if op is ops.GROUPREF:
            return rf"(?i:\g<{value}>)" if flags & re.IGNORECASE else rf"\g<{value}>"
        if op is ops.GROUPREF_EXISTS:
            number, *branches = value
            return f"(?({number})" + "|".join(self.sequence(branch or (), flags, times) for branch in branches) + ")"
        if op is ops.ATOMIC_GROUP:
            return f"(?>{self.sequence(value, flags, times)})"
        if op is ops.FAILURE:
            return _NONE
        return self._look(item, flags, times)

    def _look(self, item: _Item, flags: int, times: int) -> str:
        op, (direction, body) = item
        sign = "!" if op is ops.ASSERT_NOT else "="
        inner = self.sequence(body, flags, times)
        if direction > 0:
            return f"(?{sign}{inner})"
        least, most = body.getwidth()
        if least != most:
            raise PatternError("the pattern is not a regular expression: look-behind requires fixed-width pattern")
        self._spend(times * least)
        return f"(?<{sign}(?={inner}){_ANY}{{{least}}})"  # `regex` would read the inner pattern backwards


def _shown(item: _Item) -> str:
    op, value = item
    if op is ops.NEGATE:
        return "^"
    if op is ops.CATEGORY:
        return _CATEGORIES[value]
    first, last = value if op is ops.RANGE else (value, value)
    return _run(chr(first), chr(last))


def _run(first: str, last: str) -> str:
    return re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
