"""What a path into an attribute leads to (templates.md §6.3): for get_attr, and for types that read one themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.schema.types import UNKNOWN


def select(value: Any, path: Sequence[Any]) -> Any:
    """Return what the path leads to; null where a key is not in its map, or an index not in its list.

    UNKNOWN where the value, or a step of the path, is not known yet.
    """
    for step in path:
        if value is UNKNOWN or step is UNKNOWN:
            return UNKNOWN
        match value:
            case Mapping() if isinstance(step, str):
                value = value.get(step)
            case list() if type(step) is int and -len(value) <= step < len(value):
                value = value[step]
            case _:
                return None
    return value
