"""How a walk begins: a caller's change and the lock in one transaction, then the conductor.

Create, update, delete and recovery all come through here. Whoever holds the lock walks: if that is this engine, its
conductor looks again; if it is another that lives, it is poked; from the dead the lock is stolen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.model.ids import EngineId, StackId
from engine.model.records import Lock, StackRecord
from engine.runtime.conductor import Conductor
from engine.runtime.stack_lock import StackLock
from engine.runtime.thread_groups import ThreadGroupManager
from engine.store import database, locks
from engine.store.database import Database, Tx


class Peers(Protocol):
    """The other engines, as far as walking needs them."""

    def is_alive(self, engine_id: EngineId) -> bool:
        """Return whether the engine answers, or has reported in time."""

    def poke(self, engine_id: EngineId, stack: StackRecord) -> None:
        """Ask the engine to look at the stack again. Only a hint: it may get lost."""


@dataclass(frozen=True, slots=True)
class Traversals:
    """Begins walks."""

    db: Database
    groups: ThreadGroupManager
    conductor: Conductor
    engine_id: EngineId
    peers: Peers

    def begin(self, work: Callable[[Tx], StackRecord]) -> StackRecord:
        """Do `work`, which writes what the stack is to become, take the lock in its transaction, and walk.

        `work` may be done more than once, until its transaction lands; it returns the stack as it wrote it.
        """

        def transaction(tx: Tx) -> tuple[StackRecord, Lock | EngineId]:
            stack = work(tx)
            return stack, locks.acquire(tx, stack.id, self.engine_id)

        stack, held = database.retrying(self.db, transaction)
        self._walk_or_poke(stack, held)
        return stack

    def wake(self, stack: StackRecord, name: str) -> None:
        """Have a resource visited that waits, by whoever walks the stack. Only a hint: it may get lost."""
        with self.db.read() as tx:
            holder = locks.holder(tx, stack.id)
        if holder == self.engine_id:
            self.conductor.wake(stack.id, name)
        elif holder is not None:
            self.peers.poke(holder, stack)

    def take_up(self, stack: StackRecord) -> None:
        """Walk a stack that nobody may be walking, after a start or a death; leave one that is walked alone."""
        held = database.retrying(self.db, lambda tx: locks.acquire(tx, stack.id, self.engine_id))
        if isinstance(held, Lock):
            self._walk(stack, held)
        elif held == self.engine_id:
            self._look_after(stack)
        elif not self.peers.is_alive(held):
            self._steal(stack, held)

    def _walk_or_poke(self, stack: StackRecord, held: Lock | EngineId) -> None:
        """Walk with the lock that was taken, or see to it that the engine that holds it looks again."""
        if isinstance(held, Lock):
            self._walk(stack, held)
        elif held == self.engine_id:
            self._look_again(stack)
        elif self.peers.is_alive(held):
            self.peers.poke(held, stack)
        else:
            self._steal(stack, held)

    def _steal(self, stack: StackRecord, dead: EngineId) -> None:
        stolen = database.retrying(self.db, lambda tx: locks.steal(tx, stack.id, holder=dead, by=self.engine_id))
        if stolen is not None:
            self._walk(stack, stolen)

    def _walk(self, stack: StackRecord, lock: Lock) -> None:
        held = StackLock.acquired(self.db, self.peers.is_alive, lock)
        course = self.groups.start_with_acquired_lock(stack, held, self.conductor.walk, lock)
        listener = _Listener(self.conductor, stack.id)
        self.groups.add_event(stack.id, listener)
        course.add_done_callback(lambda gt: self.groups.remove_event(gt, stack.id, listener))

    def _look_again(self, stack: StackRecord) -> None:
        """Poke the conductor, with the lock in hand in case that it was stored but its walk never started."""
        lock = self._own_lock(stack)
        if lock is not None:
            self.conductor.poke(lock)

    def _look_after(self, stack: StackRecord) -> None:
        lock = self._own_lock(stack)
        if lock is not None:
            self.conductor.poke(lock, unless=stack.traversal)

    def _own_lock(self, stack: StackRecord) -> Lock | None:
        with self.db.read() as tx:
            lock = locks.current(tx, stack.id)
        return lock if lock is not None and lock.engine_id == self.engine_id else None


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    """Hands messages to a stack on to the conductor. A message only says where to look; the database says what is."""

    conductor: Conductor
    stack_id: StackId

    def send(self, message: str) -> None:
        self.conductor.halt(self.stack_id)
