"""How an action begins on a stack that is there: for a caller, or for the resource that a nested stack stands for.

What is written builds upon the stack as it is in the transaction that writes it, so of two that come together the
second builds upon the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.model import states
from engine.model.errors import Code, EngineError, stack_not_found
from engine.model.ids import StackId, TraversalId
from engine.model.records import Definition, StackRecord
from engine.model.states import Action, Began
from engine.plan import reasons
from engine.runtime.logbook import Logbook
from engine.store import events, stacks, templates
from engine.store.database import Disturbed, Tx


@dataclass(frozen=True, slots=True)
class Beginning:
    """An action that is to begin."""

    stack_id: StackId
    action: Action
    definition: Definition | None = None  # what the stack is brought to; None: it keeps its own
    changed: Callable[[StackRecord], StackRecord] | None = None  # what else changes; None: nothing

    def store(self, tx: Tx, logbook: Logbook) -> StackRecord:
        """Write the beginning and its event; raise STACK_NOT_FOUND, INVALID_STACK_STATE, or Disturbed to try again."""
        current = stacks.get(tx, self.stack_id)
        if current is None:
            raise stack_not_found(self.stack_id)
        begun = begin(current, self.action, traversal=TraversalId(logbook.new_id()), now=tx.now())
        if self.changed is not None:
            begun = self.changed(begun)
        if self.definition is not None:
            begun = replace(begun, definition_id=self.definition.id)
            templates.save(tx, self.definition)
        if not stacks.begin(tx, begun, expected=current.traversal):
            raise Disturbed(Code.CONCURRENT_TRANSACTION, f"stack {current.name} was changed meanwhile")
        events.append(tx, logbook.of_stack(begun))
        return begun


def begin(stack: StackRecord, action: Action, *, traversal: TraversalId, now: datetime) -> StackRecord:
    """Return the stack as an action begins on it; raise INVALID_STACK_STATE where the table does not allow that."""
    try:
        state = states.advance(states.STACK, stack.state, Began(action))
    except states.IllegalTransition:
        text = f"{action} of stack {stack.name} is not possible when it is {stack.state}"
        raise EngineError(Code.INVALID_STACK_STATE, text, stack_name=stack.name, state=str(stack.state)) from None
    return replace(
        stack,
        action=state.action,
        status=state.status,
        reason=reasons.started(action),
        traversal=traversal,
        updated_time=now,
    )
