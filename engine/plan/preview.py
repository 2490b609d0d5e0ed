"""What a walk would do, told before it does it, by the same `decide` that the runtime calls.

The walk is made on paper: every name in dependency order, with what its dependencies would be by then. What only a
real walk can know (the id of a thing that is not built yet) is UNKNOWN, and a property that depends on it counts as
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from engine.model.records import ResourceRecord
from engine.plan import decide
from engine.plan.decide import Desired, Rules
from engine.schema import changes


class Change(StrEnum):
    """What would happen to a resource (rpc.md §3.3)."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    REPLACED = "replaced"
    ADDED = "added"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Expected:
    """One resource as a preview sees it."""

    name: str
    change: Change
    row: ResourceRecord | None  # what is there now; None: nothing
    desired: Desired | None  # what would be there; None: nothing
    changed: frozenset[str] = frozenset()  # properties that differ; none are compared where the type differs


@dataclass(frozen=True, slots=True)
class Standing:
    """What would stand for a name by the time that its dependants are visited."""

    row: ResourceRecord | None  # None: it is not built yet, nothing about it is known
    attributes_known: bool  # False: it is being changed, so what it tells may change too


Desire = Callable[[str, Mapping[str, Standing]], Desired]


def preview(
    order: Iterable[str], rows: Sequence[ResourceRecord], desire: Desire, rules_of: Callable[[Desired], Rules]
) -> list[Expected]:
    """Return what would happen to each declared name, in order, and then to each name that is declared no more."""
    by_name: dict[str, list[ResourceRecord]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    standing: dict[str, Standing] = {}
    expected: list[Expected] = []
    for name in order:
        there = by_name.pop(name, [])
        desired = desire(name, standing)
        decision = decide.converge(desired, there, rules_of(desired))
        found = _expect(desired, decision)
        standing[name] = _stands(found)
        expected.append(found)
    for name, there in by_name.items():
        newest = max(there, key=lambda row: (row.is_built, row.created_time, row.id))
        expected.append(Expected(name, Change.DELETED, newest, None))
    return expected


def _expect(desired: Desired, decision: decide.OnArrival) -> Expected:
    match decision:
        case decide.Keep(row):
            return Expected(desired.name, Change.UNCHANGED, row, desired)
        case decide.Update(row, changed):
            return Expected(desired.name, Change.UPDATED, row, desired, changed)
        case decide.Finish(row) | decide.Refuse(row):
            return Expected(desired.name, Change.UPDATED, row, desired, _differing(desired, row))
        case decide.Restricted(row, action):
            change = Change.UPDATED if action == "update" else Change.REPLACED
            return Expected(desired.name, change, row, desired, _differing(desired, row))
        case decide.Create(None) | decide.Adopt():
            return Expected(desired.name, Change.ADDED, None, desired)
        case decide.Create(row):
            return Expected(desired.name, Change.REPLACED, row, desired, _differing(desired, row))
        case other:
            assert_never(other)


def _differing(desired: Desired, row: ResourceRecord | None) -> frozenset[str]:
    if row is None or row.implementation != desired.implementation:
        return frozenset()
    there = row.pending.properties if row.pending else row.properties
    return changes.changed(there, desired.properties, desired.schema.properties)


def _stands(expected: Expected) -> Standing:
    if expected.change in (Change.ADDED, Change.REPLACED):
        return Standing(None, attributes_known=False)
    return Standing(expected.row, attributes_known=expected.change is Change.UNCHANGED)
