"""Breakpoints: where a resource waits until somebody lets it go on (engine.md §3.11).

A hook is written on the row, with the walk that reached it; to another walk it means nothing. While it waits the
resource stays in the state that it was in. A stack that rolls back stops at none: it must not wait for anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import Enum
from typing import Final

from engine.model.ids import TraversalId
from engine.model.records import Hook, ResourceRecord
from engine.model.states import Action

PRE: Final = "pre"
POST: Final = "post"

# During which actions of the stack a resource stops when it is created, updated or deleted.
_STOPS: Final[Mapping[Action, frozenset[Action]]] = {
    Action.CREATE: frozenset({Action.CREATE}),
    Action.UPDATE: frozenset({Action.UPDATE, Action.RESTORE}),
    Action.DELETE: frozenset({Action.DELETE}),
}


class Arrival(Enum):
    """What a resource finds at a breakpoint."""

    OPEN = "open"  # nobody wants it to stop, or it was let go
    REACHED = "reached"  # it has to stop, and nobody knows yet
    CLOSED = "closed"  # it has stopped, and waits


def point(when: str, action: Action, stack_action: Action) -> str:
    """Return the name of the breakpoint before or after an action on a resource; "": there is none."""
    return f"{when}-{action.lower()}" if stack_action in _STOPS.get(action, ()) else ""


def arrive(wanted: Collection[str], name: str, hook: Hook | None, traversal: TraversalId) -> Arrival:
    """Return what a resource finds at the breakpoint of that name; `wanted` are those where it has to stop."""
    if name not in wanted:
        return Arrival.OPEN
    if hook is None or hook.traversal != traversal:
        return Arrival.REACHED
    if hook.point == name:
        return Arrival.OPEN if hook.is_cleared else Arrival.CLOSED
    return Arrival.OPEN if name.startswith(PRE) else Arrival.REACHED  # it stands behind the action already


def paused(name: str) -> str:
    """Return the reason of the event that tells of a stop."""
    action = name.partition("-")[2].upper()
    return f"{action} paused until Hook {name} is cleared"


def waiting_at(row: ResourceRecord, traversal: TraversalId) -> str:
    """Return the hook at which the row waits on this walk; "": at none."""
    hook = row.hook
    return hook.point if hook is not None and not hook.is_cleared and hook.traversal == traversal else ""


def cleared(row: ResourceRecord) -> ResourceRecord:
    """Return the row as its walk may go on from the hook that it has reached."""
    return row if row.hook is None else replace(row, hook=replace(row.hook, is_cleared=True))
