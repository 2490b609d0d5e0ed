"""How a visit writes down what it does: each step one commit, with its event, durable before the visit goes on.

A step that *starts* something carries the traversal id: it lands only while its walk is the current one. An outcome
carries only the fence: what was started is recorded whatever walk is current by then, so nothing that exists is
forgotten.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.model import states
from engine.model.ids import ResourceId
from engine.model.records import EventRecord, ResourceRecord
from engine.model.states import Action, Finished, State, Status
from engine.plan import advance
from engine.runtime.jobs import Job
from engine.runtime.journal import Journal
from engine.runtime.logbook import Logbook
from engine.store.walks import Step

UPDATE_FAILED: Final = State(Action.UPDATE, Status.FAILED)


class NotLanded(Exception):
    """A step was refused, by the fence, by the traversal or because the visit was given up: it has no more to say."""


class Recorder:
    """The rows of one visit as they stand, and the only way that the visit writes them."""

    def __init__(self, journal: Journal, logbook: Logbook, job: Job) -> None:
        self._journal = journal
        self._logbook = logbook
        self._plan = job.plan
        self._leash = job.leash
        self.rows = dict(job.rows)
        self.gone: list[ResourceId] = []

    def start(self, row: ResourceRecord) -> ResourceRecord:
        """Record that an operation begins, if the walk is still the current one; return the row as written."""
        event = self._logbook.of_resource(self._plan.stack, row)
        return self._write(Step(self._plan.lock, self._plan.stack.traversal, row, event=event))

    def end(self, row: ResourceRecord) -> ResourceRecord:
        """Record how an operation ended; return the row as written."""
        event = self._logbook.of_resource(self._plan.stack, row)
        return self._write(Step(self._plan.lock, None, row, event=event))

    def note(self, row: ResourceRecord) -> ResourceRecord:
        """Record what changed about the row without its state having changed; no event tells of it."""
        return self._write(Step(self._plan.lock, None, row, event=None))

    def report(self, row: ResourceRecord, reason: str, state: State = UPDATE_FAILED) -> None:
        """Record what was refused before it began, or happened without changing a state: an event alone."""
        event = self._logbook.of_attempt(self._plan.stack, row, state, reason)
        self._write(Step(self._plan.lock, self._plan.stack.traversal, row, event=event))

    def pause(self, row: ResourceRecord, reason: str) -> ResourceRecord:
        """Record that the resource waits at a breakpoint, in the state that it is in; return the row as written."""
        event = self._logbook.of_attempt(self._plan.stack, row, row.state, reason)
        return self._write(Step(self._plan.lock, self._plan.stack.traversal, row, event=event))

    def forget(self, row: ResourceRecord) -> None:
        """Record that the thing is gone, and remove its row."""
        state = states.advance(states.RESOURCE, row.state, Finished())
        ended = replace(row, action=state.action, status=state.status, reason=advance.CHANGED)
        event = self._logbook.of_resource(self._plan.stack, ended)
        self._strike(ended, event)

    def drop(self, row: ResourceRecord) -> None:
        """Remove a row that has nothing behind it, or nothing any more; no event tells of it."""
        self._strike(row, None)

    def _strike(self, row: ResourceRecord, event: EventRecord | None) -> None:
        self._commit(Step(self._plan.lock, None, row, gone=True, event=event))
        self.rows.pop(row.id, None)
        self.gone.append(row.id)

    def _write(self, step: Step) -> ResourceRecord:
        self._commit(step)
        written = replace(step.row, version=step.row.version + 1)
        self.rows[written.id] = written
        return written

    def _commit(self, step: Step) -> None:
        if self._leash.is_cut or not self._journal.commit(step):
            raise NotLanded
