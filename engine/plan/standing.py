"""Which row of a name a reader is shown, when a replacement and what it replaces are both there."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.records import ResourceRecord
from engine.model.states import Action


def best(rows: Iterable[ResourceRecord]) -> ResourceRecord | None:
    """Return the row that stands for the name, as far as rows alone can tell; None: there is none.

    Rows that are on their way out come last; of the others the newest, which is the one that a walk is building.
    """
    return max(rows, key=lambda row: (row.action is not Action.DELETE, row.created_time, row.id), default=None)


def by_name(rows: Iterable[ResourceRecord]) -> dict[str, ResourceRecord]:
    """Return for each name the row that stands for it, in the order of the rows."""
    found: dict[str, ResourceRecord] = {}
    for row in rows:
        known = found.get(row.name)
        chosen = row if known is None else best((known, row))
        if chosen is not None:
            found[row.name] = chosen
    return found
