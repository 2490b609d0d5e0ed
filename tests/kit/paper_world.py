"""A world on paper: rows, things and a walker in forty lines, driven by the engine's own plan.

Walks are made in a random legal order. A visit has three moments (the intent is stored, the thing is changed, the
outcome is stored) and a walk may be cut at any of them, as a crash or a newer walk would cut it; a change may fail,
with or without having taken effect. The world knows what exists for real, so it sees what the rows may have
forgotten.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from engine.graph.dag import Dag
from engine.graph.frontier import Frontier
from engine.model.ids import ResourceId, StackId
from engine.model.records import ResourceRecord
from engine.plan import advance, build, decide
from engine.plan.visits import Clean, Converge, Visit
from engine.plugin import Done, Poll
from engine.schema.properties import OnChange, integer, string
from engine.schema.type_schema import TypeSchema

NAMES = "abcdef"
THING = TypeSchema(
    "Test::Thing",
    properties={
        "fixed": integer("Changing it needs a new one."),
        "loose": integer("Changing it is an update in place.", on_change=OnChange.UPDATE),
        "rooted": string("Ids of what it can't outlive, so a change of them needs a new one."),
        "reads": string("Ids and values of what it refers to.", on_change=OnChange.UPDATE),
    },
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One declared name."""

    name: str
    fixed: int
    loose: int
    requires: frozenset[str]
    rooted: frozenset[str]  # those of `requires` whose replacement forces ours


Target = Mapping[str, Wanted]


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Draw up to six names that refer to earlier ones; few values, so that equal and unequal ones meet often."""
    bits = st.integers(0, 1)
    names, target = draw(st.lists(st.sampled_from(NAMES), unique=True)), {}
    for index, name in enumerate(names):
        requires = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        rooted = frozenset(other for other in requires if draw(bits))
        target[name] = Wanted(name, draw(bits), draw(bits), frozenset(requires), rooted)
    return target


@dataclass(frozen=True, slots=True)
class Rules:
    """What the plugin of the world says."""

    keeps_failed: bool = False
    supersedes: bool = False

    def must_replace(self, old: Mapping[str, Any], new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """The schema says it all."""
        return False


@dataclass
class Thing:
    """What exists for real."""

    properties: Mapping[str, Any]
    uses: set[ResourceId]  # the things that it may be using


class Cut(Exception):
    """The walk ends here: a crash, or a newer walk."""


@dataclass
class World:
    """Rows as they are stored, things as they are, and a walker."""

    data: st.DataObject
    rules: Rules = Rules()
    rows: dict[ResourceId, ResourceRecord] = field(default_factory=dict)
    things: dict[ResourceId, Thing] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    did: list[str] = field(default_factory=list)
    _moments_left: int | None = None
    _may_fail: bool = False

    def walk(self, target: Target, *, moments: int | None = None, may_fail: bool = False) -> list[str]:
        """Walk to the target; after so many moments it is cut. Return what was done to things."""
        self.did, self._moments_left, self._may_fail = [], moments, may_fail
        requires = {name: wanted.requires for name, wanted in target.items()}
        frontier = Frontier(Dag(build.build(requires, list(self.rows.values()))))
        ready, standing = frontier.ready(), {}
        try:
            while ready:
                visit = ready.pop(self.data.draw(st.integers(0, len(ready) - 1), label="next"))
                if self._visit(visit, target, standing):
                    ready += frontier.done(visit)
                else:
                    frontier.blocked(visit)
        except Cut:
            pass
        return self.did

    def settle(self, target: Target) -> None:
        """Walk without mishap; then rows and things are as declared, and a second walk finds nothing to do."""
        self.walk(target)
        shown = sorted((r.name, r.properties["fixed"], r.properties["loose"], r.is_built) for r in self.rows.values())
        assert shown == sorted((w.name, w.fixed, w.loose, True) for w in target.values())
        assert set(self.things) == set(self.rows), "leaked or lost"
        assert all(self.things[id_].properties == row.properties for id_, row in self.rows.items())
        kept = dict(self.rows)

        assert self.walk(target) == []
        assert self.rows == kept

    def _visit(self, visit: Visit, target: Target, standing: dict[str, ResourceRecord]) -> bool:
        match visit:
            case Converge(name):
                row = self._converge(target[name], standing)
                if row is not None:
                    standing[name] = row
                return row is not None
            case Clean(row_id):
                row = self.rows.get(row_id)
                stands = standing.get(row.name) if row else None
                decision = decide.clean(row, stands.id if stands else None)
                return isinstance(decision, decide.Nothing) or self.delete(decision.row)

    def _converge(self, wanted: Wanted, standing: Mapping[str, ResourceRecord]) -> ResourceRecord | None:
        desired = self._desired(wanted, standing)
        while True:
            there = [row for row in self.rows.values() if row.name == wanted.name]
            match decide.converge(desired, there, self.rules):
                case decide.Keep(row, moved):
                    return self._store(advance.kept(row, desired)) if moved else row
                case decide.Finish(row):
                    finished = self._build(row)
                    if finished is None:
                        return None
                case decide.Update(row, _):
                    return self._build(self._store(advance.updating(row, desired, self._now())))
                case decide.Create():
                    new_id = ResourceId(f"{next(self.numbers):06}")
                    blank = advance.announced(desired, row_id=new_id, stack_id=StackId("s"), now=self._now())
                    return self._build(self._store(advance.created(blank, desired)))

    def _desired(self, wanted: Wanted, standing: Mapping[str, ResourceRecord]) -> decide.Desired:
        reads = [f"{standing[o].id}={standing[o].properties['loose']}" for o in sorted(wanted.requires)]
        return decide.Desired(
            name=wanted.name,
            type=THING.type_name,
            implementation=THING.type_name,
            schema=THING,
            properties={
                "fixed": wanted.fixed,
                "loose": wanted.loose,
                "rooted": " ".join(standing[o].id for o in sorted(wanted.rooted)),
                "reads": " ".join(reads),
            },
            requires=frozenset(standing[o].id for o in wanted.requires),
        )

    def _build(self, row: ResourceRecord) -> ResourceRecord | None:
        """Create or change the thing of a row that is IN_PROGRESS, perhaps in two calls, perhaps badly."""
        self._moment()
        fails = self._may_fail and self.data.draw(st.integers(0, 3), label="fails?") == 0
        if not fails or self.data.draw(st.booleans(), label="took effect all the same?"):
            self._change(row)
        self._moment()
        if row.pending.token is None and self.data.draw(st.booleans(), label="polls?"):
            row = self._store(advance.waiting(row, Poll(after=1, token="t"), self._now()))
            self._moment()
        if fails:
            self._store(advance.broke(row, "failed"))
            return None
        self.things[row.id].uses = set(row.pending.requires)
        return self._store(advance.finished(row, Done(physical_id=row.id)))

    def _change(self, row: ResourceRecord) -> None:
        verb = "update" if row.id in self.things else "create"
        before = self.things[row.id].uses if row.id in self.things else set()
        self.things[row.id] = Thing(row.pending.properties, before | row.pending.requires)
        self.did.append(f"{verb} {row.name}")

    def delete(self, row: ResourceRecord) -> bool:
        """Take a thing away; asserts that nothing uses it."""
        row = self._store(advance.deleting(row, self._now()))
        self._moment()
        users = [id_ for id_, thing in self.things.items() if row.id in thing.uses]
        assert not users, f"{row.name} ({row.id}) was deleted under {users}"
        if self._may_fail and self.data.draw(st.integers(0, 3), label="delete fails?") == 0:
            self._store(advance.broke(row, "failed"))
            return False
        self.things.pop(row.id, None)
        self.did.append(f"delete {row.name}")
        self._moment()
        del self.rows[row.id]
        return True

    def _store(self, row: ResourceRecord) -> ResourceRecord:
        written = replace(row, version=row.version + 1)
        self.rows[row.id] = written
        return written

    def _moment(self) -> None:
        """Let a moment pass between two steps; the walk may be cut here."""
        if self._moments_left is not None:
            if self._moments_left == 0:
                raise Cut
            self._moments_left -= 1

    def _now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self.numbers))
