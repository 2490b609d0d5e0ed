"""The other engines as walking sees them: are they alive, and please look at this stack.

An engine is alive if its listener answers with its id, or if it has reported in time by the database's clock. A dead
process refuses the connection at once, so a stack whose engine was killed is taken over without waiting for its lease
to run out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final, Protocol

from engine.model.ids import EngineId
from engine.model.records import StackRecord
from engine.store import services
from engine.store.database import Database

log = logging.getLogger(__name__)

MISSED_REPORTS: Final = 2  # report intervals after which an engine that does not answer counts as dead


class Answer(Enum):
    """What came of asking a listener."""

    ALIVE = "alive"  # the engine that was asked for answered
    REFUSED = "refused"  # nobody listens there, or another engine does
    SILENT = "silent"  # no answer in time: it may be busy, or cut off


class Listeners(Protocol):
    """Calls to the listeners of other engines."""

    def ask(self, address: str, engine_id: EngineId) -> Answer:
        """Ask whether the engine is there, waiting at most the configured time."""

    def poke(self, address: str, stack: StackRecord) -> None:
        """Ask the engine there to look at the stack; errors are not told."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Answers what a lock and a walk want to know of other engines."""

    db: Database
    listeners: Listeners

    def is_alive(self, engine_id: EngineId) -> bool:
        """Return whether the engine lives."""
        with self.db.read() as tx:
            service = services.get(tx, engine_id)
            now = tx.now()
        if service is None or service.deleted_time is not None:
            return False
        answer = self.listeners.ask(service.listener_address, engine_id) if service.listener_address else Answer.SILENT
        if answer is not Answer.SILENT:
            return answer is Answer.ALIVE
        last = service.updated_time or service.created_time
        return now - last <= timedelta(seconds=MISSED_REPORTS * service.report_interval)

    def poke(self, engine_id: EngineId, stack: StackRecord) -> None:
        """Ask the engine to look at the stack again; it looks by itself too, only later."""
        with self.db.read() as tx:
            service = services.get(tx, engine_id)
        if service is not None and service.listener_address:
            self.listeners.poke(service.listener_address, stack)
