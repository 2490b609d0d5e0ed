"""The visits of a walk: what it goes to, not what it will do there.

A plan is a graph of visits and not of verdicts, because a resolved property may depend on an earlier visit: what a
visit does is decided when the walk arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.ids import ResourceId


@dataclass(frozen=True, slots=True)
class Converge:
    """Bring the resource of this name to what is declared."""

    name: str


@dataclass(frozen=True, slots=True)
class Clean:
    """Take this row away unless it stands for its name."""

    row: ResourceId


Visit = Converge | Clean
