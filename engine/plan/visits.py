"""The visits of a walk: what it goes to, not what it will do there.

A plan is a graph of visits and not of verdicts, because a resolved property may depend on an earlier visit: what a
visit does is decided when the walk arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.ids import ResourceId, SnapshotId


@dataclass(frozen=True, slots=True)
class Converge:
    """Bring the resource of this name to what is declared."""

    name: str


@dataclass(frozen=True, slots=True)
class Clean:
    """Take this row away unless it stands for its name."""

    row: ResourceId


@dataclass(frozen=True, slots=True)
class Perform:
    """Suspend, resume, check or snapshot this row: whatever the stack is at."""

    row: ResourceId


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait for what was begun on this row, and begin nothing: the stack's own operation was cancelled."""

    row: ResourceId


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove a snapshot of a stack that is being deleted."""

    snapshot: SnapshotId


Visit = Converge | Clean | Perform | Settle | Discard
