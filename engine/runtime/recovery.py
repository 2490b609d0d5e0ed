"""Walks whose engine is gone are walked on.

Runs at every start and then periodically: a stack that is IN_PROGRESS and whose lock is free, or held by the dead, is
taken up. Since a walk after a crash is the same walk again, there is nothing to repair first.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from engine.model.errors import EngineError
from engine.runtime.traversals import Traversals
from engine.store import stacks
from engine.store.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Finds unfinished stacks and takes them up."""

    db: Database
    traversals: Traversals

    def sweep(self) -> int:
        """Take up every unfinished stack that nobody alive is walking; return how many stacks were looked at."""
        with self.db.read() as tx:
            unfinished = stacks.unfinished(tx)
        for stack in unfinished:
            try:
                self.traversals.take_up(stack)
            except EngineError as error:
                log.warning("stack %s could not be taken up: %s", stack.id, error)
        return len(unfinished)
