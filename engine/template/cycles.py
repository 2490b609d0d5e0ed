"""Resources that wait for each other.

Called by `checker`. The graph floor has a richer answer, but stands beside this one and not below it, so the
standard library's sorter is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

_MOST: Final = 20  # cycles that are told at once


def find(requires: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return cycles that share no resource, each begun with the resource that is declared first.

    Each name requires the next one, and the last the first.
    """
    left = {name: tuple(sorted(needs)) for name, needs in requires.items()}
    found: list[list[str]] = []
    while len(found) < _MOST and (cycle := _one(left)):
        order = {name: index for index, name in enumerate(requires)}
        first = min(range(len(cycle)), key=lambda place: order[cycle[place]])
        cycle = [*cycle[first:], *cycle[:first]]
        found.append(cycle)
        left = {
            name: tuple(need for need in needs if need not in cycle)
            for name, needs in left.items()
            if name not in cycle
        }
    return found


def _one(requires: Mapping[str, Iterable[str]]) -> list[str]:
    try:
        TopologicalSorter(requires).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names[:0:-1]  # given as "is required by", and with the first name again at the end
    return []
