"""What the conductor hands to a visit, and what it gets back. Values only: a visit keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.ids import ResourceId, SnapshotId
from engine.model.records import Lock, ResourceRecord, StackRecord
from engine.plan.ending import Stopped
from engine.plan.visits import Visit
from engine.template.target import NodeValue, Target


@dataclass(frozen=True, slots=True)
class Plan:
    """What a walk sets out with."""

    stack: StackRecord
    lock: Lock
    target: Target
    rows: Sequence[ResourceRecord]
    deadline: float | None  # on the conductor's clock, seconds; None: the walk has no time limit
    hooks: Mapping[str, frozenset[str]] = field(default_factory=dict)  # resource → the breakpoints it stops at
    snapshots: Sequence[SnapshotId] = ()  # a delete: those to remove with the stack
    refused: Stopped | None = None  # the walk can't set out, and why; None: it can


@dataclass(slots=True)
class Leash:
    """Ties a visit to its walk; once it is cut, whatever the visit still wants to write is refused."""

    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One visit to make."""

    plan: Plan
    visit: Visit
    rows: Mapping[ResourceId, ResourceRecord]  # a Converge: all of its name; a Clean: the one row
    values: Mapping[str, NodeValue] = field(default_factory=dict)  # of the names that the visit's name requires
    standing: Mapping[str, ResourceId] = field(default_factory=dict)  # the rows that stand for those names and its own
    is_woken: bool = False  # what the resource waits for has happened: ask its plugin before it is due
    leash: Leash = field(default_factory=Leash)


@dataclass(frozen=True, slots=True)
class Stands:
    """The row stands for its name and is as declared."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The row is gone, or was right to stay."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Visit again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The visit failed; what depends on it can't be reached in this walk."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A write did not land: another engine or a newer walk has the stack. This walk has nothing more to say."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The database could not be reached; nothing is lost, the same visit has to be made again after so many seconds."""

    seconds: float = 1.0


Result = Stands | Cleaned | Waits | Failed | Lost | Unrecorded


@dataclass(frozen=True, slots=True)
class Visited:
    """How a visit ended, with the rows as it left them."""

    visit: Visit
    result: Result
    rows: Sequence[ResourceRecord] = ()  # written by the visit, as they are now
    gone: Sequence[ResourceId] = ()  # rows that exist no more
