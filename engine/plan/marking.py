"""A resource as somebody says that it is, whatever the engine knows of it (engine.md §3.12).

Pure. The mark is a check whose result comes from outside: it takes the way of a check through `states.RESOURCE`, so
that what no check could follow is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.model import states
from engine.model.records import ResourceRecord
from engine.model.states import Action, Began, Broke, Finished, State, StateEvent, Status

SAID: Final = "state changed by resource_mark_unhealthy api"  # the reason where the caller gives none (rpc.md §4.2)
_FAILED: Final = State(Action.CHECK, Status.FAILED)


def marked(row: ResourceRecord, *, unhealthy: bool, reason: str) -> ResourceRecord:
    """Return the row with the mark, or without it; the very same row where that changes nothing.

    Raise `IllegalTransition` for a row that was never built, or on which something is under way.
    """
    if unhealthy:
        is_going = row.action is Action.DELETE
        return row if is_going else replace(_checked(row, Broke(), reason), is_unhealthy=True)
    return row if row.state != _FAILED else replace(_checked(row, Finished(), reason), is_unhealthy=False)


def _checked(row: ResourceRecord, result: StateEvent, reason: str) -> ResourceRecord:
    begun = states.advance(states.RESOURCE, row.state, Began(Action.CHECK))
    state = states.advance(states.RESOURCE, begun, result)
    return replace(row, action=state.action, status=state.status, reason=reason or SAID)
