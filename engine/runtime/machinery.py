"""All that walks: loop, pool, journal, conductor and what begins walks, put together and started as one.

Made by `service.py`, and by tests that need the real thing without gRPC.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from engine.model.ids import EngineId, StackId
from engine.model.records import Lock, ResourceRecord
from engine.model.states import Status
from engine.runtime.bus import Bus
from engine.runtime.clock import Clock, SystemClock
from engine.runtime.conductor import Conductor
from engine.runtime.course import Tools
from engine.runtime.declared import Declared
from engine.runtime.errand import PortsFor, Workshop
from engine.runtime.journal import Journal
from engine.runtime.lifecycle import Lifecycle
from engine.runtime.logbook import Logbook
from engine.runtime.loop import Loop
from engine.runtime.pool import Pool
from engine.runtime.recovery import Recovery
from engine.runtime.snapshots import Removals
from engine.runtime.stack_lock import StackLock
from engine.runtime.steps import CourseSteps
from engine.runtime.streams import EventStreams
from engine.runtime.thread_groups import ThreadGroupManager
from engine.runtime.traversals import Peers, Traversals
from engine.runtime.visitor import Visitor
from engine.store import database, locks, resources, stacks
from engine.store.database import Database, Tx

log = logging.getLogger(__name__)

_STOP_SECONDS: Final = 10.0  # how long a stop waits for visits that are in flight; the database has what they did


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of the configuration that walking depends on."""

    pool_size: int = 16  # threads
    periodic_interval: float = 60.0  # seconds between the calls of a timer
    plugin_call_timeout: float | None = 600.0  # seconds until a call that hangs is written off; None: never
    stack_action_timeout: int = 3600  # seconds, for stacks that say nothing


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an engine walks among."""

    engine_id: EngineId
    bus: Bus  # what the database publishes to
    peers: Peers
    ports_for: PortsFor
    clock: Clock = field(default_factory=SystemClock)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)


def new_id() -> str:
    """Return a new random id, as text."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Machinery:
    """The running parts of one engine."""

    engine_id: EngineId
    db: Database
    declared: Declared
    logbook: Logbook
    loop: Loop
    pool: Pool
    journal: Journal
    conductor: Conductor
    groups: ThreadGroupManager
    traversals: Traversals
    recovery: Recovery
    removals: Removals
    streams: EventStreams
    watching: Loop  # that of the streams: a thousand watchers of one event must not keep a walk waiting
    new_id: Callable[[], str] = field(default=new_id)

    def start(self) -> None:
        """Start the threads; nothing is walked until somebody begins a walk."""
        self.loop.start()
        self.watching.start()
        self.journal.start()

    def leave(self, stack_id: StackId) -> None:
        """Do nothing more for a stack; what is in flight is recorded first. Whoever looks for work next walks on."""
        lock = self.conductor.leave(stack_id).result(timeout=_STOP_SECONDS)
        if lock is not None:
            database.retrying(self.db, partial(_leave_to_others, lock=lock))
        self.groups.stop(stack_id)

    def stop(self) -> None:
        """Stop walking, wait for what is in flight, and free the locks so that others can walk on at once."""
        self.streams.stop()
        try:
            for lock in self.conductor.stop().result(timeout=_STOP_SECONDS):
                database.retrying(self.db, partial(_leave_to_others, lock=lock))
        except TimeoutError:
            log.warning("a call of a resource type hangs; its stack is left to whoever finds this engine gone")
        self.pool.stop()
        self.loop.stop()
        self.journal.stop()
        self.watching.stop()


def assemble(db: Database, declared: Declared, among: Surroundings, settings: Settings) -> Machinery:
    """Return the parts, connected and not started."""
    clock, peers = among.clock, among.peers
    loop, watching = Loop(clock), Loop(clock, "streams")
    pool = Pool(loop, settings.pool_size, settings.plugin_call_timeout)
    journal = Journal(db)
    logbook = Logbook(new_id, clock.now)
    groups = ThreadGroupManager(
        loop,
        pool,
        lambda stack_id, engine: StackLock(db, peers.is_alive, stack_id, engine),
        settings.periodic_interval,
    )
    removals = Removals(db, declared, among.ports_for, groups)
    visitor = Visitor(
        Workshop(
            journal=journal,
            registry=declared.registry,
            clock=clock,
            logbook=logbook,
            new_id=new_id,
            ports_for=among.ports_for,
            custom_for=declared.custom,
            read_rows=partial(_read_rows, db),
            remove_snapshot=removals.discard,
        )
    )
    steps = CourseSteps(db, declared, visitor, clock, among.lifecycle, settings.stack_action_timeout)
    conductor = Conductor(Tools(loop, pool, steps, clock))
    traversals = Traversals(db, groups, conductor, among.engine_id, peers)
    return Machinery(
        engine_id=among.engine_id,
        db=db,
        declared=declared,
        logbook=logbook,
        loop=loop,
        pool=pool,
        journal=journal,
        conductor=conductor,
        groups=groups,
        traversals=traversals,
        recovery=Recovery(db, traversals),
        removals=removals,
        streams=EventStreams(watching, among.bus, db),
        watching=watching,
    )


def _read_rows(db: Database, stack_id: StackId, name: str) -> list[ResourceRecord]:
    with db.read() as tx:
        return resources.named(tx, stack_id, name)


def _leave_to_others(tx: Tx, lock: Lock) -> None:
    """Free the lock of a stack that is under way.

    Of one that has come to its end, where only what was begun is still waited for, a lock that the dead hold is all
    that tells others of it.
    """
    stack = stacks.get(tx, lock.stack_id)
    if stack is not None and stack.status is Status.IN_PROGRESS:
        locks.release(tx, lock)
