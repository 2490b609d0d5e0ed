"""Events: what happened, written in the transaction in which it happened.

Called by usecases (list, show), by the runtime (watchers, pruning) and by every write of this floor that changes a
state.

Two numbers order events. `sequence` is gap-free per stack: a counter on the stack's row, which the writer holds locked.
`position` orders all events and is what a watcher resumes from. On SQLite it is the order of commits. On a server two
transactions on different stacks can commit in the other order than their positions, so a reader may see 12 before 11 is
there; for one stack the order always holds, because its writers take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update

from engine.model.errors import stack_not_found
from engine.model.ids import EventId, StackId
from engine.model.records import EventRecord
from engine.store import paging
from engine.store.batches import Batch
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.events import EventRow
from engine.store.tables.stacks import StackRow
from engine.store.types import ACTIONS, STATUSES, storable

STACK: Final = table_of(StackRow)
EVENT: Final = table_of(EventRow)

_REASON_LENGTH: Final = 255
_COLUMNS: Final = (
    *(EVENT.c.id, EVENT.c.stack_id, EVENT.c.stack_name, EVENT.c.project, EVENT.c.root_id, EVENT.c.time),
    *(EVENT.c.resource_name, EVENT.c.resource_type, EVENT.c.action, EVENT.c.status, EVENT.c.reason),
    *(EVENT.c.physical_id, EVENT.c.resource_id, EVENT.c.properties, EVENT.c.sequence, EVENT.c.position),
)

_INSERT: Final = Batch(insert(EVENT), tuple(column.name for column in EVENT.c if column.name != "position"))
_POSITIONS: Final = (
    select(EVENT.c.position)
    .where(EVENT.c.stack_id == bindparam("of"), EVENT.c.sequence > bindparam("after"))
    .order_by(EVENT.c.sequence)
)
_COUNT_ONE: Final = update(STACK).where(STACK.c.id == bindparam("of")).values(event_count=STACK.c.event_count + 1)
_COUNTED: Final = select(STACK.c.event_count).where(STACK.c.id == bindparam("of"))
_GET: Final = select(*_COLUMNS).where(EVENT.c.id == bindparam("of"))
_HEAD: Final = select(func.coalesce(func.max(EVENT.c.position), 0))
_AFTER: Final = (
    select(*_COLUMNS)
    .where(EVENT.c.position > bindparam("after"))
    .order_by(EVENT.c.position)
    .limit(bindparam("at_most"))
)
_AFTER_IN_TREE: Final = _AFTER.where(EVENT.c.root_id == bindparam("root"))
_AFTER_IN_STACKS: Final = _AFTER.where(EVENT.c.stack_id.in_(bindparam("stacks", expanding=True)))
_TAKEN: Final = select(EVENT.c.position).where(EVENT.c.position.between(bindparam("first"), bindparam("last")))
_TAKEN_IN_TREE: Final = _TAKEN.where(EVENT.c.root_id == bindparam("root"))
_OLDEST_KEPT: Final = (
    select(EVENT.c.sequence)
    .where(EVENT.c.stack_id == bindparam("of"))
    .order_by(EVENT.c.sequence.desc())
    .limit(1)
    .offset(bindparam("keep"))
)
_OLDEST: Final = select(func.min(EVENT.c.sequence)).where(EVENT.c.stack_id == bindparam("of"))
_LONG: Final = select(STACK.c.id).where(STACK.c.event_count > bindparam("keep"))
_PRUNE: Final = delete(EVENT).where(EVENT.c.stack_id == bindparam("of"), EVENT.c.sequence <= bindparam("until"))

_SORTING: Final = paging.Sorting(
    known={"event_time": "time", "time": "time", "resource_type": "resource_type"},
    default="time",
    unique="position",
)
_SORTED_BY: Final[paging.Columns] = {name: EVENT.c[name] for name in ("time", "resource_type", "position")}
# What a caller may filter by, and the column that it means (rpc.md §3.8).
FILTERS: Final = {
    "resource_action": "action",
    "resource_status": "status",
    "resource_status_reason": "reason",
    "physical_resource_id": "physical_id",
    "uuid": "id",
    **{name: name for name in ("id", "action", "status", "reason", "physical_id")},
    **{name: name for name in ("resource_name", "resource_type")},
}
_FILTERED_BY: Final = frozenset(FILTERS.values())


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: of one stack, of a tree of stacks, or of all live stacks of a project."""

    stack_id: StackId | None = None
    project: str | None = None  # None: not scoped by project
    root_id: StackId | None = None  # the outermost stack of a tree
    max_depth: int | None = None  # with root_id: how deep a stack may be nested; None: any depth
    filters: Mapping[str, Sequence[object]] = field(default_factory=dict)  # names of FILTERS; any of the values
    limit: int | None = None  # None: all
    marker: str | None = None  # id of the last event of the page before; an unknown one is ignored
    sort_keys: Sequence[str] = ()  # event_time, resource_type; others are dropped
    sort_dir: str | None = None  # asc, desc


def append(tx: Tx, event: EventRecord) -> EventRecord:
    """Write an event of a stack outside of a walk; return it with its numbers. Raise STACK_NOT_FOUND for no stack."""
    if not tx.connection.execute(_COUNT_ONE, {"of": event.stack_id}).rowcount:
        raise stack_not_found(event.stack_name)
    count = tx.connection.execute(_COUNTED, {"of": event.stack_id}).scalar_one()
    return insert_after(tx, count - 1, [event])[0]


def insert_after(tx: Tx, count: int, events: Sequence[EventRecord]) -> list[EventRecord]:
    """Write events of one stack, numbered from `count` + 1, and return them with their numbers.

    The caller holds the stack's row and writes the new `event_count` to it.
    """
    if not events:
        return []
    numbered = list(enumerate(events, start=count + 1))
    _INSERT.execute(tx.connection, [_values(tx, event, sequence) for sequence, event in numbered])
    # Read back by the unique key: cheaper than RETURNING for a batch, and every database can do it.
    positions = tx.connection.execute(_POSITIONS, {"of": events[0].stack_id, "after": count}).scalars()
    written = [
        replace(event, sequence=sequence, position=position)
        for (sequence, event), position in zip(numbered, positions, strict=True)
    ]
    tx.events.extend(written)
    return written


def get(tx: Tx, event_id: EventId) -> EventRecord | None:
    """Return the event; None: there is none."""
    row = tx.connection.execute(_GET, {"of": event_id}).one_or_none()
    return None if row is None else _record(tx, row)


def head(tx: Tx) -> int:
    """Return the position of the newest event; 0: nothing has happened. A watcher that wants no past starts here."""
    position: int = tx.connection.execute(_HEAD).scalar_one()
    return position


def after(
    tx: Tx,
    *,
    position: int,
    limit: int,
    root_id: StackId | None = None,
    stack_ids: Sequence[StackId] | None = None,
) -> list[EventRecord]:
    """Return at most `limit` events beyond `position`, in order: of a tree, of some stacks, or of all."""
    statement = _AFTER
    bound: dict[str, object] = {"after": position, "at_most": limit}
    if root_id is not None:
        statement, bound = _AFTER_IN_TREE, {**bound, "root": root_id}
    elif stack_ids is not None:
        statement, bound = _AFTER_IN_STACKS, {**bound, "stacks": list(stack_ids)}
    return [_record(tx, row) for row in tx.connection.execute(statement, bound).all()]


def positions(tx: Tx, first: int, last: int, *, root_id: StackId | None = None) -> list[int]:
    """Return which positions from `first` to `last` are taken by events: of a tree, or of all."""
    if root_id is None:
        found = tx.connection.execute(_TAKEN, {"first": first, "last": last})
    else:
        found = tx.connection.execute(_TAKEN_IN_TREE, {"first": first, "last": last, "root": root_id})
    return list(found.scalars())


def page(tx: Tx, query: EventQuery) -> list[EventRecord]:
    """Return one page of events, newest first unless asked otherwise (rpc.md §1.6, §3.8), in at most two statements."""
    if query.limit == 0:
        return []
    order = _SORTING.order(query.sort_keys, query.sort_dir)
    filters = {FILTERS.get(name, name): values for name, values in query.filters.items()}
    bound = paging.bind_filters(filters, EVENT, _FILTERED_BY)
    marker = paging.marker_values(tx, order, _SORTED_BY, table=EVENT, marker=query.marker)
    bound.update(marker or {})
    scope: dict[str, Any] = {
        "of": query.stack_id,
        "root": query.root_id,
        "depth": query.max_depth,
        "in_project": query.project,
        "at_most": query.limit,
    }
    bound.update((name, value) for name, value in scope.items() if value is not None)
    has = frozenset(name for name, value in scope.items() if value is not None)
    statement = _page(order, has, tuple(filters), after_marker=marker is not None)
    return [_record(tx, row) for row in tx.connection.execute(statement, bound).all()]


def prune(tx: Tx, stack_id: StackId, *, keep: int, batch: int) -> int:
    """Delete at most `batch` of the oldest events beyond the newest `keep` of a stack; return how many went.

    `keep` is max_events_per_stack, `batch` event_purge_batch_size (engine.md §14.1); call again while it returns
    `batch`.
    """
    until = tx.connection.execute(_OLDEST_KEPT, {"of": stack_id, "keep": keep}).scalar()
    if until is None:
        return 0
    oldest = tx.connection.execute(_OLDEST, {"of": stack_id}).scalar_one()
    until = min(until, oldest + batch - 1)
    return tx.connection.execute(_PRUNE, {"of": stack_id, "until": until}).rowcount


def long_histories(tx: Tx, keep: int) -> list[StackId]:
    """Return the stacks that have ever had more than `keep` events: those that `prune` may find something in."""
    return [StackId(row[0]) for row in tx.connection.execute(_LONG, {"keep": keep})]


@lru_cache(maxsize=256)
def _page(order: paging.Order, has: frozenset[str], filters: tuple[str, ...], *, after_marker: bool) -> Select[Any]:
    statement = select(*_COLUMNS).order_by(*paging.ordering(order, _SORTED_BY))
    conditions: list[ColumnElement[bool]] = paging.matches(filters, EVENT)
    if "of" in has:
        conditions.append(EVENT.c.stack_id == bindparam("of"))
    else:  # events of one stack outlive it; lists over many stacks show the live ones only
        statement = statement.join_from(EVENT, STACK, STACK.c.id == EVENT.c.stack_id)
        conditions.append(STACK.c.deleted_time.is_(None))
    if "root" in has:
        conditions.append(EVENT.c.root_id == bindparam("root"))
        if "depth" in has and "of" not in has:
            conditions.append(STACK.c.nested_depth <= bindparam("depth"))
    if "in_project" in has:
        conditions.append(EVENT.c.project == bindparam("in_project"))
    if after_marker:
        conditions.append(paging.after_marker(order, _SORTED_BY))
    if "at_most" in has:
        statement = statement.limit(bindparam("at_most"))
    return statement.where(*conditions)


def _values(tx: Tx, event: EventRecord, sequence: int) -> dict[str, Any]:
    return {
        "id": event.id,
        "stack_id": event.stack_id,
        "sequence": sequence,
        "root_id": event.root_id,
        "stack_name": event.stack_name,
        "project": event.project,
        "time": event.time,
        "resource_name": event.resource_name,
        "resource_type": event.resource_type,
        "action": str(event.action),
        "status": event.status.value,
        "reason": storable(event.reason, _REASON_LENGTH),
        "physical_id": event.physical_id,
        "resource_id": event.resource_id,
        "properties": tx.keys.seal(event.properties, _place(event.id)) if event.properties else None,
    }


def _record(tx: Tx, row: Sequence[Any]) -> EventRecord:
    (id_, stack_id, stack_name, project, root_id, time, resource_name, resource_type, action, *rest) = row
    (status, reason, physical_id, resource_id, sealed, sequence, position) = rest
    return EventRecord(
        id=EventId(id_),
        stack_id=StackId(stack_id),
        stack_name=stack_name,
        project=project,
        root_id=StackId(root_id),
        time=time,
        resource_name=resource_name,
        resource_type=resource_type,
        action=ACTIONS.get(action, action),
        status=STATUSES[status],
        reason=reason,
        physical_id=physical_id,
        resource_id=resource_id,
        properties={} if sealed is None else tx.keys.unseal(sealed, _place(id_)),
        sequence=sequence,
        position=position,
    )


def _place(event_id: str) -> str:
    return f"event {event_id}"
