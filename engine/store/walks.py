"""The writes of walks: rows of resources with their events, fenced, many steps at a time.

Called by the runtime's writer, which gathers the steps of all visits that wait for a commit; `amend` by use cases, for
the one kind of write that is not a walk's. This is the hot path of the engine. What a reader could not guess: the
versions of the rows are read *after* the stack's row is locked, so what is read is still true when it is written.
Therefore the losers are known before the first write, the rest of the batch lands, and the events are numbered without
a gap. The UPDATE compares the version all the same: the law does not depend on the order here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from engine.model.errors import FencedOut
from engine.model.ids import TraversalId
from engine.model.records import EventRecord, Lock, ResourceRecord
from engine.store import events, locks, resources
from engine.store.batches import Batch
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.resources import ResourceRow
from engine.store.tables.stacks import StackRow

STACK: Final = table_of(StackRow)
RESOURCE: Final = table_of(ResourceRow)

# A row keeps its id, its stack, its name and its birth.
_KEPT: Final = frozenset(("id", "stack_id", "name", "created_time"))
_CHANGED: Final = tuple(column.name for column in RESOURCE.c if column.name not in _KEPT)
_BASED_ON: Final = (RESOURCE.c.id == bindparam("of"), RESOURCE.c.version == bindparam("based_on"))
_VERSIONS: Final = select(RESOURCE.c.id, RESOURCE.c.version).where(
    RESOURCE.c.id.in_(bindparam("among", expanding=True))
)
_UPDATE: Final = Batch(update(RESOURCE).where(*_BASED_ON).values({n: bindparam(n) for n in _CHANGED}), ())
_DELETE: Final = Batch(delete(RESOURCE).where(*_BASED_ON), ())
_COUNT: Final = update(STACK).where(STACK.c.id == bindparam("of")).values(event_count=bindparam("count"))


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a row, and the event that tells of it."""

    lock: Lock
    traversal: TraversalId | None  # None: an outcome, recorded whatever walk is current
    row: ResourceRecord  # the new value; its version is the one it is based on, 0: it is new
    gone: bool = False  # the row is deleted
    event: EventRecord | None = None


def apply(tx: Tx, steps: Sequence[Step]) -> list[bool]:
    """Write the steps and return which landed; one that did not has changed nothing and has no event.

    A step does not land when its lock has another owner by now, when another walk is current, when the stack is
    deleted, or when the row's version has moved on.
    """
    groups: dict[tuple[Lock, TraversalId | None], list[int]] = {}
    for index, step in enumerate(steps):
        groups.setdefault((step.lock, step.traversal), []).append(index)
    landed = [False] * len(steps)
    # By stack: two engines that write batches must not wait for each other in a circle.
    for (lock, traversal), indices in sorted(groups.items(), key=lambda group: group[0][0].stack_id):
        count = locks.hold(tx, lock, traversal)
        if count is None:
            continue
        winners = _winners(tx, steps, indices)
        _write(tx, [steps[index] for index in winners], count)
        for index in winners:
            landed[index] = True
    return landed


def amend(tx: Tx, row: ResourceRecord, *, traversal: TraversalId, event: EventRecord) -> bool:
    """Write a row with its event beside the walk, which keeps its lock; False: nothing was written.

    For what a caller says to a resource while its stack is walked. It does not land when another walk is current, or
    when the row's version has moved on: then read the row again.
    """
    count = locks.take_turn(tx, row.stack_id, traversal)
    if count is None:
        return False
    values = {**resources.values(tx, row), "of": row.id, "based_on": row.version}
    if _UPDATE.execute(tx.connection, [values]) != 1:
        return False
    events.insert_after(tx, count, [event])
    tx.connection.execute(_COUNT, {"of": row.stack_id, "count": count + 1})
    return True


def _winners(tx: Tx, steps: Sequence[Step], indices: Iterable[int]) -> list[int]:
    """Return the indices of the steps whose rows are at the version that they are based on."""
    found = tx.connection.execute(_VERSIONS, {"among": [steps[index].row.id for index in indices]})
    versions: dict[str, int | None] = {row[0]: row[1] for row in found}
    winners = []
    for index in indices:
        step = steps[index]
        if versions.get(step.row.id, 0) == step.row.version:
            winners.append(index)
            # A later step of the batch may build on this one; nothing builds on a row that is gone.
            versions[step.row.id] = None if step.gone else step.row.version + 1
    return winners


def _write(tx: Tx, steps: Sequence[Step], count: int) -> None:
    fresh = [step.row for step in steps if not step.row.version and not step.gone]
    changed = [step.row for step in steps if step.row.version and not step.gone]
    gone = [step.row for step in steps if step.row.version and step.gone]
    resources.insert(tx, fresh)
    _compare_and_set(tx, _UPDATE, changed, rows=[resources.values(tx, row) for row in changed])
    _compare_and_set(tx, _DELETE, gone, rows=[{} for _ in gone])
    written = events.insert_after(tx, count, [step.event for step in steps if step.event])
    if written:
        stack_id = written[0].stack_id
        tx.connection.execute(_COUNT, {"of": stack_id, "count": count + len(written)})


def _compare_and_set(tx: Tx, batch: Batch, records: Sequence[ResourceRecord], *, rows: list[dict[str, Any]]) -> None:
    """Execute; raise FencedOut, and so roll the transaction back, if the lock did not keep others away after all."""
    for record, row in zip(records, rows, strict=True):
        row["of"] = record.id
        row["based_on"] = record.version
    if rows and batch.execute(tx.connection, rows) != len(rows):
        raise FencedOut(records[0].stack_id)
