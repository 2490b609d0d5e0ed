"""Near names for messages, as long as there are not too many of them.

Used by everything that reports unknown names. Looking for near names is slow; a text that is wrong in ten thousand
places would keep an engine busy with it, and nobody reads that many.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

MAX_HINTS: Final = 50
_MAX_WORK: Final = 20_000_000  # pairs of characters that all hints of a stock compare: about a second
_EACH: Final = 5  # characters that a name costs beside its own
_LONGEST: Final = 100  # characters of the wanted name that are compared
_KNOWN_SHOWN: Final = 12  # names that a message lists
_HINT: Final = re.compile(r"; (?:did you mean |known: |there are none$)")


class Hints:
    """A stock of hints for one check."""

    __slots__ = ("_left", "_work")

    def __init__(self) -> None:
        self._left = MAX_HINTS
        self._work = _MAX_WORK

    def near(self, names: Iterable[str], wanted: object) -> str:
        """Return how a message goes on after "there is no X"; nothing once the stock is used up."""
        if self._left <= 0:
            return ""
        self._left -= 1
        known, sought = list(names), str(wanted)[:_LONGEST]
        work = sum(len(name) + _EACH for name in known) * (len(sought) + _EACH)
        if work > self._work:  # a few short names may still be looked through
            return ""
        self._work -= work
        return known_names(known, sought)


def known_names(names: Iterable[str], wanted: str) -> str:
    """Return how a message goes on after "there is no X": with near names, or with what there is."""
    names = sorted(names)
    near = difflib.get_close_matches(wanted, names, n=3)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    if not names:
        return "; there are none"
    more = ", …" if len(names) > _KNOWN_SHOWN else ""
    return f"; known: {', '.join(names[:_KNOWN_SHOWN])}{more}"


def without_hint(message: str) -> str:
    """Return a message as it is once the stock is used up."""
    return _HINT.split(message, maxsplit=1)[0]
