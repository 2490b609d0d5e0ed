"""How well a type, a property or an attribute is supported, and since when (templates.md §14.6).

Called by whoever declares or lists resource types. Something HIDDEN still works: it is only left out of
listings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SupportStatus(StrEnum):
    """The five statuses; the value is the word on the wire."""

    UNKNOWN = "UNKNOWN"
    SUPPORTED = "SUPPORTED"
    DEPRECATED = "DEPRECATED"
    UNSUPPORTED = "UNSUPPORTED"
    HIDDEN = "HIDDEN"


@dataclass(frozen=True, slots=True)
class Support:
    """A status, the release it counts from, and what it was before."""

    status: SupportStatus = SupportStatus.SUPPORTED
    version: str | None = None  # release that brought this status; None: not told
    message: str | None = None  # what to use instead; None: nothing to say
    previous: Support | None = None  # None: it never had another status
    substitute: str | None = None  # type that takes over without a replacement; None: there is none

    @property
    def is_hidden(self) -> bool:
        """Return whether listings leave it out."""
        return self.status is SupportStatus.HIDDEN


SUPPORTED: Final = Support()
