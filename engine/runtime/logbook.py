"""Events: what is written beside a change of state, in the same transaction.

`of_resource` and `of_stack` make the record; sequence and position are set by the store (engine.md §14.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.model.ids import EventId
from engine.model.records import STACK_TYPE, EventRecord, ResourceRecord, StackRecord
from engine.model.states import State


@dataclass(frozen=True, slots=True)
class Logbook:
    """Makes event records, with new ids and the time."""

    new_id: Callable[[], str]
    now: Callable[[], datetime]

    def of_resource(self, stack: StackRecord, row: ResourceRecord) -> EventRecord:
        """Return the event of the state that the row has now."""
        return self.of_attempt(stack, row, row.state, row.reason)

    def of_attempt(self, stack: StackRecord, row: ResourceRecord, state: State, reason: str) -> EventRecord:
        """Return an event of a state that the row may not have: what was tried and refused."""
        return EventRecord(
            id=EventId(self.new_id()),
            stack_id=stack.id,
            stack_name=stack.name,
            project=stack.project,
            root_id=stack.top_id,
            time=self.now(),
            resource_name=row.name,
            resource_type=row.type,
            action=state.action,
            status=state.status,
            reason=reason,
            physical_id=row.physical_id,
            resource_id=row.id,
            properties=row.pending.properties if row.pending else row.properties,
        )

    def of_stack(self, stack: StackRecord) -> EventRecord:
        """Return the event of the state that the stack has now."""
        return EventRecord(
            id=EventId(self.new_id()),
            stack_id=stack.id,
            stack_name=stack.name,
            project=stack.project,
            root_id=stack.top_id,
            time=self.now(),
            resource_name=stack.name,
            resource_type=STACK_TYPE,
            action=stack.action,
            status=stack.status,
            reason=stack.reason,
            physical_id=stack.id,
        )
