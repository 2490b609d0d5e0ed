"""Near names for messages, as long as there are not too many of them.

Used by everything on this floor that reports unknown names. Looking for near names is slow; a text that is wrong in ten
thousand places would keep an engine busy with it, and nobody reads that many.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine.schema import properties

MAX_HINTS: Final = 50


class Hints:
    """A stock of hints for one check."""

    def __init__(self) -> None:
        self._left = MAX_HINTS

    def near(self, names: Iterable[str], wanted: object) -> str:
        """Return how a message goes on after "there is no X"; nothing once the stock is used up."""
        if self._left <= 0:
            return ""
        self._left -= 1
        return properties.known_names(names, str(wanted))
