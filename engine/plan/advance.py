"""The next record of a resource: one function for each thing that can happen to it.

Every state comes out of `states.RESOURCE`, so an impossible step raises instead of being written. Times and ids come
in as values, a plugin's answer as anything with its fields. The visitor commits what these return, together with the
event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

from engine.model import states
from engine.model.ids import ResourceId, StackId, TraversalId
from engine.model.records import Hook, Pending, ResourceRecord
from engine.model.states import PERFORMED, Action, Began, Broke, Finished, StateEvent, Status
from engine.plan.decide import Desired

UNCHECKED: Final = "CHECK not supported for"  # begins the reason of a row whose type has no check
CHANGED: Final = "state changed"  # the reason of every transition that needs no other (rpc.md §12)


class Told(Protocol):
    """What a plugin told of the thing; a field that is None keeps what was remembered."""

    @property
    def physical_id(self) -> str | None:
        """The provider's name for it."""

    @property
    def data(self) -> Mapping[str, Any] | None:
        """The plugin's memory."""

    @property
    def nested_stack_id(self) -> str | None:
        """The stack that it is made of."""


class ToldToWait(Told, Protocol):
    """A plugin's answer that it is not finished."""

    @property
    def token(self) -> Any:
        """What the next call gets back."""


class ToldTheEnd(Told, Protocol):
    """A plugin's answer that it is finished."""

    @property
    def reference(self) -> Any:
        """What get_resource yields."""


def announced(desired: Desired, *, row_id: ResourceId, stack_id: StackId, now: datetime) -> ResourceRecord:
    """Return the row of a thing that nothing has been done about yet: INIT_COMPLETE."""
    return ResourceRecord(
        id=row_id,
        stack_id=stack_id,
        name=desired.name,
        type=desired.type,
        implementation=desired.implementation,
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        created_time=now,
    )


def created(blank: ResourceRecord, desired: Desired) -> ResourceRecord:
    """Return the row of a thing that is about to be built."""
    begun = _moved(_declared(blank, desired), Began(Action.CREATE), CHANGED)
    return replace(begun, physical_id=desired.external_id, pending=_pending(desired))


def adopting(blank: ResourceRecord, desired: Desired) -> ResourceRecord:
    """Return the row of a thing that is about to be taken over, with the metadata that came with it."""
    begun = _moved(_declared(blank, desired), Began(Action.ADOPT), CHANGED)
    metadata = blank.metadata or desired.metadata
    return replace(begun, metadata=metadata, pending=_pending(desired), is_adopted=True)


def updating(row: ResourceRecord, desired: Desired, now: datetime) -> ResourceRecord:
    """Return the row as an update in place of it begins; until it ends, old and new requirements count."""
    begun = _moved(_declared(row, desired), Began(Action.UPDATE), CHANGED)
    return replace(begun, pending=_pending(desired), requires=row.requires | desired.requires, updated_time=now)


def deleting(row: ResourceRecord, now: datetime) -> ResourceRecord:
    """Return the row as its deletion begins; a token of an operation that was cut short is not a deletion's."""
    begun = _moved(row, Began(Action.DELETE), CHANGED)
    # A create that never ended left its properties pending; whoever deletes what it built needs them.
    built_from = row.pending.properties if row.pending and not row.properties else row.properties
    return replace(begun, properties=built_from, pending=None, updated_time=now)


def performing(row: ResourceRecord, action: Action, now: datetime, traversal: TraversalId) -> ResourceRecord:
    """Return the row as it begins to be suspended, resumed, checked or saved; a check tells anew how healthy it is."""
    is_unhealthy = row.is_unhealthy and action is not Action.CHECK
    begun = _moved(row, Began(action), CHANGED)
    return replace(begun, updated_time=now, performed_by=traversal, is_unhealthy=is_unhealthy)


def passed(row: ResourceRecord) -> ResourceRecord:
    """Return the row as checked, although its type has no check (engine.md §3.7)."""
    return _moved(_moved(row, Began(Action.CHECK), ""), Finished(), f"{UNCHECKED} {row.type}")


def paused(row: ResourceRecord, point: str, traversal: TraversalId) -> ResourceRecord:
    """Return the row as it waits at a breakpoint; its state stays (engine.md §3.11)."""
    return replace(row, hook=Hook(point, traversal))


def waiting(row: ResourceRecord, told: ToldToWait, due: datetime) -> ResourceRecord:
    """Return the row with the token of an operation that is not finished, and when its plugin is to be asked again."""
    pending = row.pending or Pending(row.properties, row.requires, row.fingerprint)
    return replace(_with(row, told), pending=replace(pending, token=told.token, due=due))


def finished(row: ResourceRecord, told: ToldTheEnd) -> ResourceRecord:
    """Return the row as its operation has ended well: what was pending is now what it is built from."""
    ended = _moved(_with(row, told), Finished(), CHANGED)
    if told.reference is not None:
        ended = replace(ended, reference=told.reference)
    if row.pending is None:
        return ended
    if row.action in PERFORMED:
        return replace(ended, pending=_undecided(row))
    return replace(
        ended,
        properties=row.pending.properties,
        requires=row.pending.requires,
        fingerprint=row.pending.fingerprint,
        pending=None,
        attributes={},
    )


def broke(row: ResourceRecord, reason: str) -> ResourceRecord:
    """Return the row as its operation has failed. What was pending stays, tokenless: it may have taken effect."""
    if row.action in PERFORMED:
        pending = _undecided(row)
    else:
        pending = replace(row.pending, token=None, due=None) if row.pending else None
    return replace(_moved(row, Broke(), reason), pending=pending)


def kept(row: ResourceRecord, desired: Desired) -> ResourceRecord:
    """Return the row with what is remembered of it, but not of the thing, brought up to date; its state stays."""
    return _declared(row, desired)


def replaced(row: ResourceRecord, reason: str) -> ResourceRecord:
    """Return the row of which the plugin said, instead of updating it, that a new one is needed: as it was before."""
    ended = _moved(row, Finished(), reason or CHANGED)
    return replace(ended, pending=None)


def _declared(row: ResourceRecord, desired: Desired) -> ResourceRecord:
    return replace(
        row,
        type=desired.type,
        requires=desired.requires,
        metadata=desired.metadata,
        deletion_policy=desired.deletion_policy,
        definition_id=desired.definition_id,
    )


def _undecided(row: ResourceRecord) -> Pending | None:
    """Return what an update that failed earlier may have applied; None: there was none, only the wait that is over."""
    pending = row.pending
    if pending is None or (pending.properties == row.properties and pending.fingerprint == row.fingerprint):
        return None
    return replace(pending, token=None, due=None)


def _pending(desired: Desired) -> Pending:
    return Pending(desired.properties, desired.requires, desired.fingerprint)


def _moved(row: ResourceRecord, event: StateEvent, reason: str) -> ResourceRecord:
    state = states.advance(states.RESOURCE, row.state, event)
    return replace(row, action=state.action, status=state.status, reason=reason)


def _with(row: ResourceRecord, told: Told) -> ResourceRecord:
    return replace(
        row,
        physical_id=row.physical_id if told.physical_id is None else told.physical_id,
        data=row.data if told.data is None else told.data,
        nested_stack_id=row.nested_stack_id if told.nested_stack_id is None else StackId(told.nested_stack_id),
    )
