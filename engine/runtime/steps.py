"""What a course does in the pool: load the walk, make a visit, write the end.

The conductor calls these and never waits for them. Each opens its own short transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, assert_never

from engine.model.errors import FencedOut
from engine.model.ids import TraversalId
from engine.model.records import Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import advance, ending, reasons
from engine.plan.ending import Stopped
from engine.plan.visits import Clean, Converge
from engine.runtime.clock import Clock
from engine.runtime.declared import Declared
from engine.runtime.jobs import Failed, Job, Lost, Plan, Visited
from engine.runtime.visitor import Visitor
from engine.runtime.walk import Walk
from engine.store import database, locks, resources, stacks
from engine.store.database import Database, Tx
from engine.store.walks import Step

_NO_ANSWER: Final = "the resource type did not answer in time"


class _SupersededError(Exception):
    """The end did not land: a newer walk or a newer owner has come."""


@dataclass(frozen=True, slots=True)
class CourseSteps:
    """The steps of every course, with what they work with."""

    db: Database
    declared: Declared
    visitor: Visitor
    clock: Clock
    action_timeout: int  # seconds, for stacks that say nothing

    def load(self, lock: Lock) -> Plan:
        """Return what the walk sets out with; raise FencedOut if the lock is no longer ours."""
        with self.db.read() as tx:
            stack = stacks.get(tx, lock.stack_id)
            if stack is None or locks.current(tx, lock.stack_id) != lock:
                raise FencedOut(lock.stack_id)
            rows = resources.of_stack(tx, stack.id)
            target = self.declared.walked(tx, stack)
            elapsed = tx.now() - (stack.updated_time or stack.created_time)
        limit = timedelta(minutes=stack.timeout_mins) if stack.timeout_mins else timedelta(seconds=self.action_timeout)
        return Plan(stack, lock, target, rows, self.clock.monotonic() + (limit - elapsed).total_seconds())

    def visit(self, job: Job) -> Visited:
        """Make one visit; never raises."""
        return self.visitor.visit(job)

    def abandon(self, job: Job) -> Visited:
        """Fail a visit whose call hangs, so that whatever the call still does is recorded nowhere."""
        with self.db.read() as tx:
            there = resources.of_stack(tx, job.plan.stack.id)
        rows = [row for row in there if _is_visited(job, row) and row.status is Status.IN_PROGRESS]
        broken = [advance.broke(row, reasons.aborted(row.action, _NO_ANSWER)) for row in rows]
        steps = [self._outcome(job.plan, row) for row in broken]
        if steps and not self.visitor.journal.commit(*steps):
            return Visited(job.visit, Lost())
        name = job.visit.name if isinstance(job.visit, Converge) else next(iter(job.rows.values())).name
        reason = reasons.of_resource(name, TimeoutError(_NO_ANSWER))
        return Visited(job.visit, Failed(reason), [replace(row, version=row.version + 1) for row in broken])

    def end(self, walk: Walk, stopped: Stopped | None) -> StackRecord | None:
        """Write how the walk ended and return the stack as it is then; None: a newer walk or owner has come."""
        plan = walk.plan
        if stopped is not None:
            self._give_up_waiting(walk, stopped)

        def write(tx: Tx) -> StackRecord:
            end = ending.ending(
                plan.stack,
                walk.failures,
                stopped,
                next_traversal=TraversalId(self.visitor.new_id()),
                now=tx.now(),
            )
            for stack in end.states:
                event = self.visitor.logbook.of_stack(stack)
                release = stack is end.last and not end.walks_on
                expected = plan.stack.traversal
                if not stacks.finish(tx, plan.lock, stacks.Ending(stack, event, expected=expected, release=release)):
                    raise _SupersededError
            return end.last

        try:
            return database.retrying(self.db, write)
        except _SupersededError:
            return None

    def _give_up_waiting(self, walk: Walk, stopped: Stopped) -> None:
        """Fail the rows on which an operation was being waited for: nobody asks for its outcome any more."""
        steps = []
        for row in walk.waiting_rows():
            broken = advance.broke(row, reasons.aborted(row.action, stopped.reason))
            steps.append(self._outcome(walk.plan, broken))
        if steps:
            self.visitor.journal.commit(*steps)

    def _outcome(self, plan: Plan, row: ResourceRecord) -> Step:
        return Step(plan.lock, None, row, event=self.visitor.logbook.of_resource(plan.stack, row))


def _is_visited(job: Job, row: ResourceRecord) -> bool:
    """Return whether the visit is to this row, or to its name."""
    match job.visit:
        case Converge(name):
            return row.name == name and row.action is not Action.DELETE
        case Clean(row_id):
            return row.id == row_id
        case other:
            assert_never(other)
