"""The right to walk a stack: a row with an owner and a fence number that goes up with every owner.

Called by `runtime/stack_lock.py` (acquire, steal, release), by the fenced writes of this floor (`hold`), and by the few
that write beside a walk or instead of it (`take_turn`, `seize`). The row stays when the lock is free, because a fence
that began again at 1 would let a forgotten writer in.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select, update

from engine.model.ids import EngineId, StackId, TraversalId
from engine.model.records import Lock
from engine.store.backends import insert_or_skip
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.stacks import StackLockRow, StackRow

STACK: Final = table_of(StackRow)
LOCK: Final = table_of(StackLockRow)

_OF: Final = LOCK.c.stack_id == bindparam("of")
_HELD_BY: Final = LOCK.c.engine_id == bindparam("holder")
_READ: Final = select(LOCK.c.engine_id, LOCK.c.fence).where(_OF)
_TAKE_FREE: Final = (
    update(LOCK).where(_OF, LOCK.c.engine_id.is_(None)).values(engine_id=bindparam("by"), fence=LOCK.c.fence + 1)
)
_STEAL: Final = update(LOCK).where(_OF, _HELD_BY).values(engine_id=bindparam("by"), fence=LOCK.c.fence + 1)
_SEIZE: Final = update(LOCK).where(_OF).values(engine_id=bindparam("by"), fence=LOCK.c.fence + 1)
_RELEASE: Final = update(LOCK).where(_OF, _HELD_BY, LOCK.c.fence == bindparam("number")).values(engine_id=None)
# FOR UPDATE takes both rows: no owner and no walk can change before this transaction has ended, and writers of one
# stack take turns. SQLite has one writer anyway and leaves it out.
_HOLD: Final = (
    select(STACK.c.event_count)
    .join_from(STACK, LOCK, LOCK.c.stack_id == STACK.c.id)
    .where(STACK.c.id == bindparam("of"), STACK.c.deleted_time.is_(None))
    .where(_HELD_BY, LOCK.c.fence == bindparam("number"))
    .with_for_update()
)
_OF_WALK: Final = STACK.c.traversal == bindparam("walk")
_HOLD_WALK: Final = _HOLD.where(_OF_WALK)
_TURN: Final = (
    select(STACK.c.event_count).where(STACK.c.id == bindparam("of"), STACK.c.deleted_time.is_(None)).with_for_update()
)
_TURN_WALK: Final = _TURN.where(_OF_WALK)


def acquire(tx: Tx, stack_id: StackId, engine_id: EngineId) -> Lock | EngineId:
    """Return the lock, or the id of the engine that holds it; the lock is not re-entrant, so that may be the caller."""
    taken = tx.connection.execute(_TAKE_FREE, {"of": stack_id, "by": engine_id}).rowcount
    if not taken:
        first = {"stack_id": stack_id, "engine_id": engine_id, "fence": 1}
        taken = tx.connection.execute(insert_or_skip(LOCK, tx.dialect), first).rowcount
    holder_, fence = tx.connection.execute(_READ, {"of": stack_id}).one()
    return Lock(stack_id, engine_id, fence) if taken else EngineId(holder_)


def steal(tx: Tx, stack_id: StackId, *, holder: EngineId, by: EngineId) -> Lock | None:
    """Return the lock, taken from an engine that is known to be dead; None: it was not the holder any more."""
    names = {"of": stack_id, "holder": holder, "by": by}
    if not tx.connection.execute(_STEAL, names).rowcount:
        return None
    _, fence = tx.connection.execute(_READ, {"of": stack_id}).one()
    return Lock(stack_id, by, fence)


def seize(tx: Tx, stack_id: StackId, by: EngineId) -> Lock | None:
    """Return the lock, taken from whoever holds it, alive or not, or from nobody; None: there is no such live stack.

    The fence goes up, so whatever the holder still writes is refused.
    """
    if take_turn(tx, stack_id) is None:
        return None
    if not tx.connection.execute(_SEIZE, {"of": stack_id, "by": by}).rowcount:
        first = {"stack_id": stack_id, "engine_id": by, "fence": 1}
        tx.connection.execute(insert_or_skip(LOCK, tx.dialect), first)
    _, fence = tx.connection.execute(_READ, {"of": stack_id}).one()
    return Lock(stack_id, by, fence)


def release(tx: Tx, lock: Lock) -> bool:
    """Free the lock; False: it was not ours any more, and nothing changed."""
    return tx.connection.execute(_RELEASE, _names(lock)).rowcount == 1


def current(tx: Tx, stack_id: StackId) -> Lock | None:
    """Return the lock as it is held now; None: it is free."""
    row = tx.connection.execute(_READ, {"of": stack_id}).one_or_none()
    return None if row is None or row[0] is None else Lock(stack_id, EngineId(row[0]), row[1])


def holder(tx: Tx, stack_id: StackId) -> EngineId | None:
    """Return who walks the stack; None: nobody."""
    held = current(tx, stack_id)
    return None if held is None else held.engine_id


def hold(tx: Tx, lock: Lock, traversal: TraversalId | None) -> int | None:
    """Return the number of the stack's last event if lock and walk are still current; None: the fence has fallen.

    Until the transaction ends nobody can take the lock, change the walk or write a row of the stack. With `traversal`
    None any walk will do.
    """
    if traversal is None:
        statement, names = _HOLD, _names(lock)
    else:
        statement, names = _HOLD_WALK, {**_names(lock), "walk": traversal}
    count: int | None = tx.connection.execute(statement, names).scalar()
    return count


def take_turn(tx: Tx, stack_id: StackId, traversal: TraversalId | None = None) -> int | None:
    """Return the number of the stack's last event; None: it is not live, or `traversal` is not its walk any more.

    Until the transaction ends nobody else writes to the stack or its rows, whoever holds the lock.
    """
    statement = _TURN if traversal is None else _TURN_WALK
    count: int | None = tx.connection.execute(statement, {"of": stack_id, "walk": traversal}).scalar()
    return count


def _names(lock: Lock) -> dict[str, object]:
    return {"of": lock.stack_id, "holder": lock.engine_id, "number": lock.fence}
