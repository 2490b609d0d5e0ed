"""The visit graph of a walk, by a flat list of passes.

Create, update, delete, rollback and the walk after a crash all call `build` with what is declared and what is there.
The graph is `{visit: the visits it waits for}`; an order that respects it never deletes a row while another is built
against it, provided that the rows' `requires` are the union of old and new while an update is half done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord
from engine.plan.visits import Clean, Converge, Visit

Waits = dict[Visit, set[Visit]]


def build(requires: Mapping[str, Collection[str]], rows: Sequence[ResourceRecord]) -> Mapping[Visit, set[Visit]]:
    """Return the visits for the declared names (each with the names it requires) and the rows that are there."""
    waits: Waits = {}
    _add_converge_visits(waits, requires)  # first: the later passes refer to them
    _add_clean_visits(waits, rows)
    _clean_after_converge(waits, rows)  # a row may turn out to stand for its name
    _clean_users_before_used(waits, rows)  # nothing is deleted while a row is built against it
    return waits


def _add_converge_visits(waits: Waits, requires: Mapping[str, Collection[str]]) -> None:
    for name, required in requires.items():
        waits[Converge(name)] = {Converge(other) for other in required}


def _add_clean_visits(waits: Waits, rows: Sequence[ResourceRecord]) -> None:
    for row in rows:
        waits[Clean(row.id)] = set()


def _clean_after_converge(waits: Waits, rows: Sequence[ResourceRecord]) -> None:
    for row in rows:
        if Converge(row.name) in waits:
            waits[Clean(row.id)].add(Converge(row.name))


def _clean_users_before_used(waits: Waits, rows: Sequence[ResourceRecord]) -> None:
    known = {row.id for row in rows}
    for user in rows:
        for used in _used_by(user) & known:
            waits[Clean(used)].add(Clean(user.id))


def _used_by(row: ResourceRecord) -> frozenset[ResourceId]:
    """Return what the row may be using: what it was built against, and what an unfinished operation builds against."""
    return row.requires | (row.pending.requires if row.pending else frozenset())
