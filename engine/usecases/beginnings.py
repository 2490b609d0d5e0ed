"""How an action begins, or is cancelled, on a stack that is there: for a caller, or for a resource of its owner.

What is written builds upon the stack as it is in the transaction that writes it, so of two that come together the
second builds upon the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from engine.model import states
from engine.model.errors import ActionInProgress, Code, EngineError, stack_not_found
from engine.model.ids import SnapshotId, StackId, TraversalId
from engine.model.records import Definition, Manner, StackRecord
from engine.model.states import Action, Began, Broke, State, Status
from engine.plan import reasons
from engine.runtime import exports
from engine.runtime.logbook import Logbook
from engine.store import events, snapshots, stacks, templates
from engine.store.database import Disturbed, Tx

Check = Callable[[StackRecord], None]

_SAVING: Final = State(Action.SNAPSHOT, Status.IN_PROGRESS)


def _as_the_table_says(_: StackRecord) -> None:
    """Refuse nothing beside what the table of states does."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """An action that is to begin."""

    stack_id: StackId
    action: Action
    definition: Definition | None = None  # what the stack is brought to; None: it keeps its own
    changed: Callable[[StackRecord], StackRecord] | None = None  # what else changes; None: nothing
    check: Check = _as_the_table_says  # raises if the stack as it is now refuses

    def store(self, tx: Tx, logbook: Logbook) -> StackRecord:
        """Write the beginning and its event.

        Raise STACK_NOT_FOUND, INVALID_STACK_STATE, ActionInProgress, or Disturbed to try again.
        """
        current = held(tx, self.stack_id)
        self.check(current)
        begun = begin(current, self.action, traversal=TraversalId(logbook.new_id()), now=tx.now())
        if self.changed is not None:
            begun = self.changed(begun)
        if self.definition is not None:
            begun = replace(begun, definition_id=self.definition.id)
            templates.save(tx, self.definition)
        return _written(tx, begun, current, logbook)


@dataclass(frozen=True, slots=True)
class Cancelling:
    """What is under way on a stack, and in all that are nested in it, is to be given up at once (engine.md §2.6).

    Each gets a traversal that leads nowhere, so that its walk starts nothing more; what is in flight is still recorded.
    """

    stack_id: StackId
    check: Check  # raises if the stack as it is now refuses

    def store(self, tx: Tx, logbook: Logbook) -> list[StackRecord]:
        """Write that they FAILED, with their events; return them, the stack itself first.

        Raise STACK_NOT_FOUND, what `check` raises, or Disturbed to try again.
        """
        current = held(tx, self.stack_id)
        self.check(current)
        cancelled = [_cancelled(tx, current, logbook)]
        for inner_id in stacks.inside(tx, current):
            inner = stacks.hold(tx, inner_id)
            if inner is not None and inner.status is Status.IN_PROGRESS and inner.action is not Action.DELETE:
                cancelled.append(_cancelled(tx, inner, logbook))
        return cancelled


def check_at_rest(stack: StackRecord) -> None:
    """Raise ActionInProgress while something is under way on the stack: for actions that supersede nothing."""
    if stack.status is Status.IN_PROGRESS:
        raise ActionInProgress(stack.name, stack.action)


def begin(stack: StackRecord, action: Action, *, traversal: TraversalId, now: datetime) -> StackRecord:
    """Return the stack as an action begins on it; raise where the table does not allow that.

    ActionInProgress if it has to wait, else INVALID_STACK_STATE. Of the manner of the operation before `observe` stays,
    which is meant for the stack, and `retain`: what was abandoned was given away, so another delete must not take it.
    """
    if stack.manner.retain and action is not Action.DELETE:
        text = f"{action} of stack {stack.name} is not possible: it was abandoned, and can only be deleted to its end"
        raise EngineError(Code.INVALID_STACK_STATE, text, stack_name=stack.name, state=str(stack.state))
    try:
        state = states.advance(states.STACK, stack.state, Began(action))
    except states.IllegalTransition:
        raise _refusal(stack, action) from None
    return replace(
        stack,
        action=state.action,
        status=state.status,
        reason=reasons.started(action),
        traversal=traversal,
        updated_time=now,
        manner=Manner(retain=stack.manner.retain, observe=stack.manner.observe),
    )


def _refusal(stack: StackRecord, action: Action) -> EngineError:
    if stack.status is Status.IN_PROGRESS and action not in states.SUPERSEDING:
        return ActionInProgress(stack.name, stack.action)
    text = f"{action} of stack {stack.name} is not possible when it is {stack.state}"
    return EngineError(Code.INVALID_STACK_STATE, text, stack_name=stack.name, state=str(stack.state))


def held(tx: Tx, stack_id: StackId) -> StackRecord:
    """Return the stack, which nobody else writes until the transaction ends; raise STACK_NOT_FOUND."""
    stack = stacks.hold(tx, stack_id)
    if stack is None:
        raise stack_not_found(stack_id)
    return stack


def _cancelled(tx: Tx, stack: StackRecord, logbook: Logbook) -> StackRecord:
    status = states.advance(states.STACK, stack.state, Broke()).status
    reason = reasons.cancelled(stack.action)
    failed = replace(stack, status=status, reason=reason, traversal=TraversalId(logbook.new_id()))
    return _written(tx, failed, stack, logbook)


def _written(tx: Tx, stack: StackRecord, before: StackRecord, logbook: Logbook) -> StackRecord:
    if not stacks.begin(tx, stack, expected=before.traversal):
        raise Disturbed(Code.CONCURRENT_TRANSACTION, f"stack {stack.name} was changed meanwhile")
    if before.state == _SAVING:
        _give_up_snapshot(tx, before, stack.action)
    events.append(tx, logbook.of_stack(stack))
    return stack


def _give_up_snapshot(tx: Tx, before: StackRecord, action: Action) -> None:
    """Fail the snapshot that was being taken of a stack as its walk is superseded.

    It keeps what there is to know of it, so that what resources have saved for it by now can be removed with it.
    """
    why, data = f"Superseded by {action} of the stack", exports.read(tx, before)
    snapshots.complete(tx, SnapshotId(before.traversal), status=Status.FAILED, reason=why, data=data)
