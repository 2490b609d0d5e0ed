"""What must hold of a tree of stacks whenever nothing is under way there, whatever has been done to it before.

`look` reads all that is stored of a tree; the checks hold it against the ledger of the bench and against what is
declared. Each check asserts one promise of the engine and is named after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from engine.model import states
from engine.model.ids import StackId
from engine.model.records import STACK_TYPE, EventRecord, ResourceRecord, StackRecord
from engine.model.states import Action, Began, Broke, Finished, State, Status
from engine.store import events, locks, resources, stacks
from kit import stack_model
from kit.bench import Bench
from kit.engine_room import EngineRoom
from kit.stack_model import Declared

LEFT_OVER = "could not be cleaned away"
THING = "Test::Thing"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is stored of a tree of stacks at one moment."""

    root: StackRecord
    nested: tuple[StackRecord, ...]  # the live ones
    rows: tuple[ResourceRecord, ...]  # of all live stacks of the tree
    events: tuple[EventRecord, ...]  # of deleted stacks, too; in order
    locked: tuple[StackId, ...]  # live stacks that somebody holds

    @property
    def is_at_rest(self) -> bool:
        """Return whether nothing is under way."""
        statuses = {one.status for one in (self.root, *self.nested, *self.rows)}
        return Status.IN_PROGRESS not in statuses

    @property
    def own_events(self) -> list[EventRecord]:
        """Return the events of the root itself."""
        return [one for one in self.events if one.stack_id == self.root.id and one.resource_type == STACK_TYPE]

    @property
    def left_over(self) -> list[StackRecord]:
        """Return the stacks that say that something could not be cleaned away."""
        return [stack for stack in (self.root, *self.nested) if LEFT_OVER in stack.reason]

    @property
    def is_sound(self) -> bool:
        """Return whether every row stands and nobody calls one unhealthy."""
        return all(row.is_built and not row.is_unhealthy for row in self.rows)

    def rows_of(self, stack_id: str) -> list[ResourceRecord]:
        """Return the rows of one stack."""
        return [row for row in self.rows if row.stack_id == stack_id]


def look(room: EngineRoom, stack_id: str) -> Seen:
    """Read all that is stored of a tree of stacks, in one transaction."""
    root_id = StackId(stack_id)
    with room.db.read() as tx:
        root = stacks.get(tx, root_id, show_deleted=True)
        tree = stacks.tree(tx, root_id)
        rows = [row for stack in tree for row in resources.of_stack(tx, stack.id)]
        told = events.after(tx, root_id=root_id, position=0, limit=100_000)
        locked = [stack.id for stack in tree if locks.holder(tx, stack.id) is not None]

    assert root is not None
    return Seen(root, tuple(one for one in tree if one.id != root.id), tuple(rows), tuple(told), tuple(locked))


def check_nothing_is_under_way(seen: Seen) -> None:
    """At rest no stack and no row is IN_PROGRESS."""
    under_way = [f"{one.name} {one.state}" for one in (seen.root, *seen.nested, *seen.rows)]
    assert seen.is_at_rest, under_way


def check_events(seen: Seen) -> None:
    """The events of each stack are numbered without a gap, and tell of nothing that the tables do not allow."""
    by_stack = sorted(seen.events, key=lambda one: (one.stack_id, one.sequence))
    for _, group in groupby(by_stack, key=lambda one: one.stack_id):
        own = list(group)
        assert [one.sequence for one in own] == list(range(1, len(own) + 1)), "a gap, or told twice"
        _check_steps([one for one in own if one.resource_type == STACK_TYPE], states.STACK)
        for row_id in {one.resource_id for one in own if one.resource_type == THING}:
            _check_steps([one for one in own if one.resource_id == row_id], states.RESOURCE)


def check_ledger(seen: Seen, bench: Bench) -> None:
    """Nothing that exists is forgotten, nothing that should exist is missing, nothing was built twice."""
    rows = {row.id: row for row in seen.rows if row.implementation == THING}
    built_twice = {token: count for token, count in bench.creations.items() if count > 1}
    leaked = {token: name for token, name in bench.built.items() if token not in rows}
    lost = {row.id: f"{row.name} {row.state}" for row in rows.values() if row.is_built and row.id not in bench.built}

    assert (built_twice, leaked, lost) == ({}, {}, {}), "built twice, leaked, lost"


def check_nested(seen: Seen) -> None:
    """Every nested stack belongs to a row, and every row that stands for one that is there has one."""
    owners = {row.nested_stack_id for row in seen.rows}
    live = {stack.id for stack in seen.nested}
    forgotten = {stack.id: f"{stack.name} {stack.state}" for stack in seen.nested if stack.id not in owners}
    missing = [row.name for row in seen.rows if row.is_built and row.nested_stack_id not in (None, *live)]

    assert (forgotten, missing) == ({}, []), "forgotten, missing"


def check_locks(seen: Seen) -> None:
    """Whoever ends a walk gives its lock back in the same moment."""
    assert seen.locked == ()


def check_declared(seen: Seen, declared: Declared) -> None:
    """Every declared name stands once with the properties that are declared; nothing else is there."""
    _check_declared(seen, seen.root, declared)


def check_nothing_is_left(seen: Seen) -> None:
    """A rollback to nothing leaves nothing, but for what it says that it could not clean away."""
    _check_declared(seen, seen.root, Declared())


def _check_declared(seen: Seen, stack: StackRecord, declared: Declared) -> None:
    rows = seen.rows_of(stack.id)
    extra = [row for row in rows if row.name not in declared.resources or row.action is Action.DELETE]
    alive = [row for row in rows if row not in extra]
    if LEFT_OVER not in stack.reason:
        assert [f"{row.name} {row.state}" for row in extra] == [], f"{stack.name}: not declared"
        assert sorted(row.name for row in alive) == sorted(declared.resources), f"{stack.name}: not there, or twice"
    known = {row.name: {"reference": row.reference_id, "value": row.properties.get("value") or ""} for row in alive}
    for name in declared.resources:
        wanted = declared.wanted(name, known)
        found = [row for row in alive if row.name == name and row.is_built and _has(row, wanted)]
        there = [(f"{row.name} {row.state}", dict(row.properties)) for row in alive if row.name == name]
        assert found or (LEFT_OVER in stack.reason and len(there) > 1), f"{stack.name}: {wanted} is wanted, not {there}"
        _check_inside(seen, found, declared)


def _check_inside(seen: Seen, found: list[ResourceRecord], declared: Declared) -> None:
    inside = {row.nested_stack_id: row for row in found}
    for nested in seen.nested:
        if nested.id in inside:
            assert nested.status is Status.COMPLETE, f"{nested.name} is {nested.state}"
            properties = inside[nested.id].properties
            given = {key: str(properties.get(key) or "") for key in ("value", "fixed")}
            _check_declared(seen, nested, stack_model.inner(declared.inside, given))


def _has(row: ResourceRecord, wanted: Mapping[str, object]) -> bool:
    return all(row.properties.get(key) == value for key, value in wanted.items())


def _check_steps(told: list[EventRecord], table: states.Table) -> None:
    for before, after in pairwise(told):
        old, new = (State(Action(one.action), one.status) for one in (before, after))
        assert _may_follow(table, old, new), f"{after.resource_name}: {old} -> {new}"


def _may_follow(table: states.Table, before: State, after: State) -> bool:
    if after in table[before].values():
        return True
    # What somebody says of a resource is a check whose beginning nothing tells of.
    checked = table[before].get(Began(Action.CHECK))
    return checked is not None and after in (table[checked].get(Broke()), table[checked].get(Finished()))
