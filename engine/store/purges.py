"""Purging: stacks that were deleted long ago go for good, and with them what nothing else refers to (engine.md §15).

Called by the command line. Each batch is a transaction of its own, so that an engine at work waits for none of them for
long, and a purge that is interrupted has only done less. What a row of a stack owns goes with it by its foreign key:
tags, lock, resources, watch rules; events and snapshots have none, and go before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import bindparam, delete, select

from engine.model.ids import StackId
from engine.store import database as databases
from engine.store import events, requests, services, templates
from engine.store.database import Database, Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.events import EventRow
from engine.store.tables.snapshots import SnapshotRow
from engine.store.tables.stacks import StackRow

STACK: Final = table_of(StackRow)
EVENT: Final = table_of(EventRow)
SNAPSHOT: Final = table_of(SnapshotRow)


_OLD: Final = (
    select(STACK.c.id)
    .where(STACK.c.deleted_time < bindparam("before"))
    .order_by(STACK.c.deleted_time, STACK.c.id)
    .limit(bindparam("at_most"))
)
_OLD_OF_PROJECT: Final = _OLD.where(STACK.c.project == bindparam("in_project"))
_DROP_EVENTS: Final = delete(EVENT).where(EVENT.c.stack_id.in_(bindparam("among", expanding=True)))
_DROP_SNAPSHOTS: Final = delete(SNAPSHOT).where(SNAPSHOT.c.stack_id.in_(bindparam("among", expanding=True)))
_DROP_STACKS: Final = delete(STACK).where(STACK.c.id.in_(bindparam("among", expanding=True)))


@dataclass(frozen=True, slots=True)
class Old:
    """Which stacks a purge takes."""

    age: timedelta  # those deleted longer ago
    project: str | None = None  # None: of all projects
    batch: int = 20  # stacks in one transaction
    events: int = 1_000  # of one stack in one transaction, before the stack itself goes


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each went."""

    stacks: int = 0
    events: int = 0
    snapshots: int = 0
    definitions: int = 0
    services: int = 0
    requests: int = 0


def purge(db: Database, old: Old) -> Purged:
    """Remove what is old; retired engines as old as that, and answers to requests older than a day, of all projects.

    Definitions and texts go when nothing refers to them any more, whatever their age.
    """
    with db.read() as tx:
        now = tx.now()
    purged = Purged()
    while found := _find(db, old, now - old.age):
        pruned = sum(_drop_events(db, stack_id, old.events) for stack_id in found)
        dropped = databases.retrying(db, partial(drop, stack_ids=found))
        purged = replace(
            purged,
            stacks=purged.stacks + dropped.stacks,
            events=purged.events + pruned + dropped.events,
            snapshots=purged.snapshots + dropped.snapshots,
        )
    return replace(
        purged,
        definitions=databases.retrying(db, templates.sweep),
        services=databases.retrying(db, partial(services.forget, before=now - old.age)),
        requests=databases.retrying(db, partial(requests.forget, before=now - requests.LIFETIME)),
    )


def deleted_before(tx: Tx, before: datetime, *, project: str | None, limit: int) -> list[StackId]:
    """Return at most so many stacks that were deleted before a time, nested ones too, those first that went first."""
    statement = _OLD if project is None else _OLD_OF_PROJECT
    names = {"before": before, "in_project": project, "at_most": limit}
    return [StackId(row[0]) for row in tx.connection.execute(statement, names)]


def drop(tx: Tx, stack_ids: Sequence[StackId]) -> Purged:
    """Delete the rows of deleted stacks and all that belongs to them; return how many went."""
    among = {"among": list(stack_ids)}
    return Purged(
        events=tx.connection.execute(_DROP_EVENTS, among).rowcount,
        snapshots=tx.connection.execute(_DROP_SNAPSHOTS, among).rowcount,
        stacks=tx.connection.execute(_DROP_STACKS, among).rowcount,
    )


def _find(db: Database, old: Old, before: datetime) -> list[StackId]:
    with db.read() as tx:
        return deleted_before(tx, before, project=old.project, limit=old.batch)


def _drop_events(db: Database, stack_id: StackId, at_a_time: int) -> int:
    prune = partial(events.prune, stack_id=stack_id, keep=0, batch=at_a_time)
    count = gone = databases.retrying(db, prune)
    while gone == at_a_time:
        gone = databases.retrying(db, prune)
        count += gone
    return count
