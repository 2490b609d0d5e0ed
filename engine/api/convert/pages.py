"""Pages that fit into a message.

Called by the modules of convert that answer lists. Many clients take no message over 4 MB, so a page ends earlier
than it was asked for when it grows too large; the marker then says where the next one begins, and a client that
follows markers sees no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

BUDGET: Final = 3 * 1024 * 1024  # bytes of the items of one page

T = TypeVar("T")
M = TypeVar("M", bound=Message)


def fit(
    items: Sequence[T], marker: str, *, convert: Callable[[T], M], marker_of: Callable[[T], str]
) -> tuple[list[M], str]:
    """Return as many items as fit, at least one, and the next marker: the given one if all do."""
    messages: list[M] = []
    size = 0
    for item in items:
        message = convert(item)
        size += message.ByteSize()
        if size > BUDGET and messages:
            return messages, marker_of(items[len(messages) - 1])
        messages.append(message)
    return messages, marker
