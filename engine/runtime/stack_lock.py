"""The right to walk a stack, held by one engine at a time (rpc.md §5.3), with a number that outlives every owner.

Whoever dies holding it loses it: an engine that finds the holder dead steals the lock, the fence number goes up, and
whatever the old owner still tries to write is refused by the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.model.errors import ActionInProgress, stack_not_found
from engine.model.ids import EngineId, StackId
from engine.model.records import Lock
from engine.store import database, locks, stacks
from engine.store.database import Database

Alive = Callable[[EngineId], bool]  # asks an engine's listener and looks at its last report


class StackLock:
    """One engine's view of the lock of one stack. Not re-entrant: a second acquire is refused to its holder too."""

    def __init__(self, db: Database, alive: Alive, stack_id: StackId, engine_id: EngineId) -> None:
        self._db = db
        self._alive = alive
        self._stack_id = stack_id
        self._engine_id = engine_id
        self.held: Lock | None = None

    @classmethod
    def acquired(cls, db: Database, alive: Alive, lock: Lock) -> StackLock:
        """Return the lock as it was acquired in a transaction of the caller's."""
        taken = cls(db, alive, lock.stack_id, lock.engine_id)
        taken.held = lock
        return taken

    def acquire(self, retry: bool = True) -> Lock:
        """Return the lock, stolen if its holder is dead; raise ActionInProgress if another engine, or we, hold it."""
        owner = self.try_acquire()
        if self.held is not None:
            return self.held
        if owner is None:  # freed between the attempt and the look
            return self._again(retry)
        if owner == self._engine_id or self._alive(owner):
            raise self._in_progress()
        stolen = database.retrying(
            self._db, lambda tx: locks.steal(tx, self._stack_id, holder=owner, by=self._engine_id)
        )
        if stolen is None:
            return self._again(retry)
        self.held = stolen
        return stolen

    def try_acquire(self) -> EngineId | None:
        """Take the lock if it is free; return who holds it otherwise. Steals nothing, raises nothing."""
        taken = database.retrying(self._db, lambda tx: locks.acquire(tx, self._stack_id, self._engine_id))
        if isinstance(taken, Lock):
            self.held = taken
            return None
        return taken

    def get_engine_id(self) -> EngineId | None:
        """Return who holds the lock; None: nobody."""
        with self._db.read() as tx:
            return locks.holder(tx, self._stack_id)

    def release(self) -> bool:
        """Free the lock; False: it was not ours any more."""
        held, self.held = self.held, None
        if held is None:
            return False
        return database.retrying(self._db, lambda tx: locks.release(tx, held))

    @contextmanager
    def thread_lock(self, retry: bool = True) -> Iterator[Lock]:
        """Hold the lock for a thread that is being started: kept at a normal exit, released if the block raises."""
        lock = self.acquire(retry)
        try:
            yield lock
        except BaseException:
            self.release()
            raise

    @contextmanager
    def try_thread_lock(self) -> Iterator[EngineId | None]:
        """Yield who holds the lock, None if we took it now; then it is released if the block raises."""
        owner = self.try_acquire()
        try:
            yield owner
        except BaseException:
            self.release()
            raise

    def _again(self, retry: bool) -> Lock:
        if not retry:
            raise self._in_progress()
        return self.acquire(retry=False)

    def _in_progress(self) -> ActionInProgress:
        with self._db.read() as tx:
            stack = stacks.get(tx, self._stack_id)
        if stack is None:
            raise stack_not_found(self._stack_id)
        return ActionInProgress(stack.name, stack.action)
