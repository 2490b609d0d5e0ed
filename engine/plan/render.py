"""A plan as text, for golden files and for people who want to see the order of a walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from engine.model.ids import ResourceId
from engine.plan.preview import Expected
from engine.plan.visits import Clean, Converge, Discard, Perform, Settle, Visit


def graph(waits: Mapping[Visit, Iterable[Visit]], names: Mapping[ResourceId, str]) -> str:
    """Return one line a visit: what it is, and what it waits for; rows are called by what `names` says."""
    lines = []
    for visit, others in waits.items():
        after = sorted(_text(other, names) for other in others)
        lines.append(_text(visit, names) + (f"  <- {', '.join(after)}" if after else ""))
    return "\n".join(lines) + "\n"


def changes(expected: Iterable[Expected]) -> str:
    """Return one line a resource: what would happen to it, and which properties differ."""
    lines = []
    for found in expected:
        details = f" ({', '.join(sorted(found.changed))})" if found.changed else ""
        lines.append(f"{found.change:<10}{found.name}{details}")
    return "\n".join(lines) + "\n"


def _text(visit: Visit, names: Mapping[ResourceId, str]) -> str:
    match visit:
        case Converge(name):
            return f"converge {name}"
        case Clean(row):
            return f"clean {names.get(row, row)}"
        case Perform(row):
            return f"perform {names.get(row, row)}"
        case Settle(row):
            return f"settle {names.get(row, row)}"
        case Discard(snapshot):
            return f"discard {snapshot}"
        case other:
            assert_never(other)
