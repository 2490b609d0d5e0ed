"""Snapshots: what stacks were like at one time, inserted, completed, removed, found.

Called by usecases (`insert`, `begin_delete`), by the walk that takes one (`complete`), and by whoever takes one away
(`fail_delete`, `delete`). Every change of state is a compare-and-set. The data hold secrets and are sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into

from engine.model.ids import SnapshotId, StackId
from engine.model.records import Json, SnapshotRecord
from engine.model.states import Action, Status
from engine.store import paging
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.snapshots import SnapshotRow
from engine.store.types import ACTIONS, STATUSES, storable

SNAPSHOT: Final = table_of(SnapshotRow)
COLUMNS: Final = tuple(SNAPSHOT.c)  # in the order that `_record` takes

_ORDER: Final = paging.Sorting(known={}, default="created_time", unique="id").order((), None)  # newest first
_SORTED_BY: Final[paging.Columns] = {name: SNAPSHOT.c[name] for name in _ORDER.keys}
_OF: Final = SNAPSHOT.c.id == bindparam("of")
_OF_STACK: Final = SNAPSHOT.c.stack_id == bindparam("of_stack")
_UNDER_WAY: Final = SNAPSHOT.c.status == Status.IN_PROGRESS.value
_TAKING: Final = and_(SNAPSHOT.c.action == Action.CREATE.value, _UNDER_WAY)
_REMOVING: Final = and_(SNAPSHOT.c.action == Action.DELETE.value, _UNDER_WAY)
_AT_REST: Final = SNAPSHOT.c.status != Status.IN_PROGRESS.value

_INSERT: Final = insert_into(SNAPSHOT)
_GET: Final = select(*COLUMNS).where(_OF)
_ALL: Final = select(*COLUMNS).where(_OF_STACK).order_by(*paging.ordering(_ORDER, _SORTED_BY))
_FURTHER: Final = _ALL.where(paging.after_marker(_ORDER, _SORTED_BY))
_COUNT: Final = select(func.count()).select_from(SNAPSHOT).where(_OF_STACK)
_COMPLETE: Final = (
    update(SNAPSHOT)
    .where(_OF, _TAKING)
    .values({"status": bindparam("ended"), "reason": bindparam("why"), "data": bindparam("sealed")})
)
_BEGIN_DELETE: Final = (
    update(SNAPSHOT)
    .where(_OF, _AT_REST)
    .values(action=Action.DELETE.value, status=Status.IN_PROGRESS.value, reason="Snapshot DELETE started")
)
_FAIL_DELETE: Final = update(SNAPSHOT).where(_OF, _REMOVING).values(status=Status.FAILED.value, reason=bindparam("why"))
_DELETE: Final = delete_from(SNAPSHOT).where(_OF)
_UNFINISHED: Final = select(*COLUMNS).where(_REMOVING).order_by(SNAPSHOT.c.created_time, SNAPSHOT.c.id)


def insert(tx: Tx, snapshot: SnapshotRecord) -> None:
    """Store a new snapshot; its stack has to be there."""
    values = {
        "id": snapshot.id,
        "stack_id": snapshot.stack_id,
        "name": snapshot.name,
        "project": snapshot.project,
        "action": snapshot.action.value,
        "status": snapshot.status.value,
        "reason": storable(snapshot.reason),
        "data": _sealed(tx, snapshot.id, snapshot.data),
        "created_time": snapshot.created_time,
    }
    tx.connection.execute(_INSERT, values)


def get(tx: Tx, snapshot_id: SnapshotId) -> SnapshotRecord | None:
    """Return the snapshot; None: there is none."""
    row = tx.connection.execute(_GET, {"of": snapshot_id}).one_or_none()
    return None if row is None else _record(tx, row)


def of_stack(tx: Tx, stack_id: StackId, *, limit: int | None = None, marker: str | None = None) -> list[SnapshotRecord]:
    """Return the snapshots of a stack, newest first: at most `limit`, None: all, from after the one `marker` names.

    An unknown marker is ignored (rpc.md §1.6).
    """
    after = paging.marker_values(tx, _ORDER, _SORTED_BY, table=SNAPSHOT, marker=marker)
    statement = _ALL if after is None else _FURTHER
    if limit is not None:
        statement = statement.limit(limit)
    found = tx.connection.execute(statement, {"of_stack": stack_id, **(after or {})}).all()
    return [_record(tx, row) for row in found]


def count(tx: Tx, stack_id: StackId) -> int:
    """Return how many snapshots a stack has, in whatever state (max_snapshots_per_stack)."""
    counted: int = tx.connection.execute(_COUNT, {"of_stack": stack_id}).scalar_one()
    return counted


def complete(tx: Tx, snapshot_id: SnapshotId, *, status: Status, reason: str, data: Json) -> bool:
    """Store how the taking of a snapshot has ended; False: it was not being taken any more, and nothing changed."""
    sealed = _sealed(tx, snapshot_id, data)
    ended = {"of": snapshot_id, "ended": status.value, "why": storable(reason), "sealed": sealed}
    return tx.connection.execute(_COMPLETE, ended).rowcount == 1


def begin_delete(tx: Tx, snapshot_id: SnapshotId) -> bool:
    """Store that a snapshot is being removed; False: it is being taken, or removed already, or there is none."""
    return tx.connection.execute(_BEGIN_DELETE, {"of": snapshot_id}).rowcount == 1


def fail_delete(tx: Tx, snapshot_id: SnapshotId, reason: str) -> bool:
    """Store that a removal has failed, so that it can be begun again; False: it was not being removed."""
    return tx.connection.execute(_FAIL_DELETE, {"of": snapshot_id, "why": storable(reason)}).rowcount == 1


def delete(tx: Tx, snapshot_id: SnapshotId) -> bool:
    """Delete the row, whatever its state; False: it was gone already."""
    return tx.connection.execute(_DELETE, {"of": snapshot_id}).rowcount == 1


def unfinished_deletes(tx: Tx) -> list[SnapshotRecord]:
    """Return the snapshots that are being removed, of all stacks, oldest first."""
    return [_record(tx, row) for row in tx.connection.execute(_UNFINISHED).all()]


def _record(tx: Tx, row: Sequence[Any]) -> SnapshotRecord:
    (id_, stack_id, name, project, action, status, reason, sealed, created) = row
    return SnapshotRecord(
        id=SnapshotId(id_),
        stack_id=StackId(stack_id),
        name=name or "",
        project=project,
        action=ACTIONS[action],
        status=STATUSES[status],
        reason=reason,
        created_time=created,
        data=None if sealed is None else tx.keys.unseal(sealed, _place(id_)),
    )


def _sealed(tx: Tx, snapshot_id: SnapshotId, data: Json) -> bytes | None:
    return None if data is None else tx.keys.seal(data, _place(snapshot_id))


def _place(snapshot_id: str) -> str:
    return f"snapshot {snapshot_id}"
