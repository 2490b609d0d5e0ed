"""What a path into an attribute leads to, for types whose attributes have parts (templates.md §6.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def select(value: Any, path: Sequence[str | int]) -> Any:
    """Return what the path leads to; null where a key is not in its map, or an index not in its list."""
    for step in path:
        match value:
            case Mapping():
                value = value.get(step)
            case list() if type(step) is int and -len(value) <= step < len(value):
                value = value[step]
            case _:
                return None
    return value
