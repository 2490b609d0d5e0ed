"""How a custom constraint is declared: one function, and a name that templates and properties ask for it by.

Authors of constraints use the decorator, the registry finds what it leaves in their modules, and `schema` asks
through `Registry.custom`. Whatever goes wrong in a constraint is a text here, and never an exception: validation
collects its problems, and one broken constraint must not hide the others.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.plugin.ports import LookupFailed, Lookups
from engine.schema import types

log = logging.getLogger(__name__)

Check = Callable[[Any, Lookups], str | None]  # what is wrong with a value, None: nothing

_QUOTED: Final = 80  # characters of a value, or of an error, that a message repeats


@dataclass(frozen=True, slots=True)
class ConstraintType:
    """One kind of custom constraint: what it is called, and what it asks of a value."""

    name: str
    check: Check
    description: str
    text_only: bool = False  # True: anything but text is refused, and `check` never sees it
    empty_passes: bool = False  # True: null and what is empty satisfy it (the "e" of templates.md §12.8)

    def violation(self, value: Any, lookups: Lookups) -> str | None:
        """Return what is wrong with a value, or None; raise nothing.

        A lookup that could not be made reads `Error validating value 'v': <reason>` (templates.md §12.8).
        """
        if self.empty_passes and _is_empty(value):
            return None
        if self.text_only and not isinstance(value, str):
            return f"{types.shown(value)} is not text, and the custom constraint {self.name} is about text"
        try:
            return self.check(value, lookups)
        except LookupFailed as error:
            return refused(value, str(error))
        except Exception as error:  # noqa: BLE001  a plugin may raise anything, and all of it is a problem of this value
            self._log(error)
            return f"{types.shown(value)} can't be checked: the custom constraint {self.name} raised {_named(error)}"

    def _log(self, error: Exception) -> None:
        """Log where it was raised. Without its message, which is likely to repeat a value that may be secret."""
        place = f"{self.check.__module__}.{self.check.__qualname__}"
        trace = "".join(traceback.format_tb(error.__traceback__))
        log.error("the custom constraint %s (%s) raised %s\n%s", self.name, place, type(error).__name__, trace)


def constraint(name: str, *, text_only: bool = False, empty_passes: bool = False) -> Callable[[Check], ConstraintType]:
    """Make a function `(value, lookups)` the custom constraint of that name.

    The function returns what is wrong with a value, or None. The first line of its docstring is the description.
    """

    def declared(check: Check) -> ConstraintType:
        description = (check.__doc__ or "").strip().partition("\n")[0]
        return ConstraintType(name, check, description, text_only, empty_passes)

    return declared


def refused(value: Any, reason: str) -> str:
    """Return the text of a lookup that went wrong; a long value is cut."""
    text = value if isinstance(value, str) else types.shown(value)
    return f"Error validating value '{_cut(text)}': {reason}"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {_cut(str(error))}" if str(error) else type(error).__name__


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
