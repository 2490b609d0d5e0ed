"""One visit in a pool thread: evaluate, decide, call the plugin, record.

Straight-line code: what it records is durable when the call returns, and no transaction is open while a plugin is
called. The same lines serve a first visit, the next poll and the visit after a crash, because the verdict looks only
at what is there. Each kind of visit has a module of its own.
"""

from __future__ import annotations

import logging
from typing import Final, assert_never

from engine.model.errors import Code, EngineError
from engine.plan.visits import Clean, Converge, Discard, Perform, Settle
from engine.runtime.cleaning import Cleaning
from engine.runtime.converging import Converging
from engine.runtime.errand import Errand, Workshop
from engine.runtime.jobs import Failed, Job, Lost, Result, Unrecorded, Visited
from engine.runtime.performing import Performing
from engine.runtime.recorder import NotLanded, Recorder

log = logging.getLogger(__name__)

# The database is away, or too busy after all tries of the store; a plugin's own errors never come this far.
_UNRECORDED: Final = frozenset({Code.DATABASE_UNAVAILABLE, Code.CONCURRENT_TRANSACTION})


class Visitor:
    """Makes visits."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def visit(self, job: Job) -> Visited:
        """Make the visit. Never raises: what goes wrong is in the result."""
        tools = self.workshop
        recorder = Recorder(tools.journal, tools.logbook, job)
        try:
            result = _run(Errand(tools, job, recorder))
        except NotLanded:
            result = Lost()
        except EngineError as error:
            result = Unrecorded() if error.code in _UNRECORDED else Failed(str(error))
        except Exception as error:  # a bug in the engine must fail one resource, visibly, and not hang its stack
            log.exception("visit %s of stack %s failed", job.visit, job.plan.stack.id)
            result = Failed(f"{type(error).__name__}: {error}")
        return Visited(job.visit, result, tuple(recorder.rows.values()), tuple(recorder.gone))


def _run(errand: Errand) -> Result:
    match errand.job.visit:
        case Converge(name):
            return Converging(errand, name).run()
        case Clean(row_id):
            return Cleaning(errand).clean(row_id)
        case Discard(snapshot):
            return Cleaning(errand).discard(snapshot)
        case Perform(row_id):
            return Performing(errand).perform(row_id)
        case Settle(row_id):
            return Performing(errand).settle(row_id)
        case other:
            assert_never(other)
