"""The visit graph of a walk, by a flat list of passes.

Create, update, delete, rollback and the walk after a crash all call `build` with what is declared and what is there.
The graph is `{visit: the visits it waits for}`; an order that respects it never deletes a row while another is built
against it, provided that the rows' `requires` are the union of old and new while an update is half done. What leads to
no other declaration (suspend, resume, check, snapshot) goes through the rows themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.graph.dag import Dag
from engine.model.ids import ResourceId, SnapshotId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import PERFORMED, Action, Status
from engine.plan import standing
from engine.plan.visits import Clean, Converge, Discard, Perform, Settle, Visit

Waits = dict[Visit, set[Visit]]


def of_walk(
    stack: StackRecord,
    requires: Mapping[str, Collection[str]],
    rows: Sequence[ResourceRecord],
    snapshots: Collection[SnapshotId] = (),
) -> Mapping[Visit, set[Visit]]:
    """Return the visits of the walk that the stack is on; of one that is over, what is to settle."""
    if stack.status is not Status.IN_PROGRESS:
        return {Settle(row.id): set() for row in rows if row.status is Status.IN_PROGRESS}
    if stack.action in PERFORMED:
        there = [row for row in rows if row.name in requires or row.is_built]  # the rest is waste that has to go
        return _in_some_order(performing(there, backwards=stack.action is Action.SUSPEND))
    waits = build(requires, rows)
    for row_id in _used_by_skipped(stack.manner.skip, rows):
        _leave_out(waits, Clean(row_id))
    return {**_in_some_order(waits), **{Discard(one): set() for one in snapshots}}


def _used_by_skipped(skip: Collection[str], rows: Sequence[ResourceRecord]) -> set[ResourceId]:
    """Return the rows that those of names which are left as they are may be using, directly or not."""
    known = {row.id: row for row in rows}
    waiting = [row for row in rows if row.name in skip]
    found: set[ResourceId] = set()
    while waiting:
        new = _used_by(waiting.pop()) & known.keys() - found
        found |= new
        waiting += [known[id_] for id_ in new]
    return found


def _leave_out(waits: Waits, visit: Visit) -> None:
    del waits[visit]
    for others in waits.values():
        others.discard(visit)


def _in_some_order(waits: Waits) -> Waits:
    """Break cycles, which only names that a rollback left as they were can have made: rows built against each other."""
    while (cycle := Dag(waits).cycle()) is not None:
        waits[cycle[0]].discard(cycle[1 % len(cycle)])
    return waits


def build(requires: Mapping[str, Collection[str]], rows: Sequence[ResourceRecord]) -> Waits:
    """Return the visits for the declared names (each with the names it requires) and the rows that are there."""
    waits: Waits = {}
    _add_converge_visits(waits, requires)  # first: the later passes refer to them
    _add_clean_visits(waits, rows)
    _clean_after_converge(waits, rows)  # a row may turn out to stand for its name
    _clean_users_before_used(waits, rows)  # nothing is deleted while a row is built against it
    return waits


def performing(rows: Sequence[ResourceRecord], *, backwards: bool) -> Waits:
    """Return a visit to the row that stands for each name, after those that it is built against, or before them."""
    chosen = {row.id: row for row in standing.by_name(rows).values()}
    waits: Waits = {Perform(id_): set() for id_ in chosen}
    for user in chosen.values():
        for used in user.requires & chosen.keys():
            first, then = (user.id, used) if backwards else (used, user.id)
            waits[Perform(then)].add(Perform(first))
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
