"""The verdict of a visit that leads to nothing new: suspend, resume, check or snapshot a row (engine.md §3.7, §3.8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan.decide import Finish, Nothing

_NEVER_BUILT: Final = frozenset({(Action.CREATE, Status.FAILED), (Action.ADOPT, Status.FAILED)})
_RESUMABLE: Final = frozenset({(Action.SUSPEND, Status.COMPLETE), (Action.RESUME, Status.FAILED)})


@dataclass(frozen=True, slots=True)
class Act:
    """Suspend, resume, check or snapshot the row."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Pass:
    """The row counts as checked: its type has no check."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Invalid:
    """The row is in no state for what is to be done with it."""

    row: ResourceRecord
    text: str


OnPerform = Act | Finish | Pass | Invalid | Nothing


def perform(stack: StackRecord, row: ResourceRecord, *, can_check: bool, keeps_failed: bool) -> OnPerform:
    """Return what suspending, resuming, checking or saving a row comes to, as its stack does.

    What the same walk has done already, before it was cut short, is not done again. Nothing of this makes a thing out
    of what was never built. What failed is replaced by the next update although it was saved meanwhile, unless its
    type is one that `keeps_failed`.
    """
    action = stack.action
    if row.state == (action, Status.COMPLETE) and row.performed_by == stack.traversal:
        return Nothing()
    if row.status is Status.IN_PROGRESS:
        if row.is_awaited:
            return Finish(row)
        return Act(row) if row.action is action else _invalid(action, row)
    if row.action is Action.INIT:
        is_missed = action is Action.CHECK and can_check
        return Invalid(row, f"{row.name} is not created yet") if is_missed else Nothing()
    if row.action is Action.DELETE:
        return _invalid(action, row)
    if row.state in _NEVER_BUILT and action is Action.SNAPSHOT:
        return Nothing()
    if row.state in _NEVER_BUILT and action is Action.CHECK and not can_check:
        return Invalid(row, f"{row.name} is not created yet")
    return _on_what_stands(action, row, can_check, keeps_failed)


def _on_what_stands(action: Action, row: ResourceRecord, can_check: bool, keeps_failed: bool) -> OnPerform:
    match action:
        case Action.SUSPEND | Action.RESUME if row.state == (action, Status.COMPLETE):
            return Nothing()
        case Action.SUSPEND:
            return Act(row) if row.action is action or row.status is Status.COMPLETE else _invalid(action, row)
        case Action.RESUME:
            return Act(row) if row.state in _RESUMABLE else _invalid(action, row)
        case Action.CHECK:
            return Act(row) if can_check else Pass(row)
        case _:
            has_failed = row.status is Status.FAILED and row.action is not action
            return Act(replace(row, is_unhealthy=True) if has_failed and not keeps_failed else row)


def _invalid(action: Action, row: ResourceRecord) -> Invalid:
    return Invalid(row, f"State {row.state} invalid for {action.lower()}")
