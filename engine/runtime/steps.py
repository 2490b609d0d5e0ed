"""What a course does in the pool: load the walk, make a visit, write the end.

The conductor calls these and never waits for them. Each opens its own short transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from engine.model.errors import FencedOut, TemplateInvalid
from engine.model.ids import SnapshotId, TraversalId
from engine.model.records import Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import advance, breakpoints, ending, reasons
from engine.plan.ending import Ending, Stopped
from engine.plan.visits import Converge
from engine.runtime import exports, lifecycle
from engine.runtime.clock import Clock
from engine.runtime.declared import Declared
from engine.runtime.jobs import Failed, Job, Lost, Plan, Visited
from engine.runtime.lifecycle import Lifecycle, NotReady
from engine.runtime.visitor import Visitor
from engine.runtime.walk import Walk
from engine.store import database, locks, resources, snapshots, stacks, walks
from engine.store.database import Database, Tx
from engine.store.walks import Step
from engine.template.target import EMPTY, Target

log = logging.getLogger(__name__)

EndAt = Callable[[Tx], Ending]  # how a walk ends, in the transaction that writes it

_INTERRUPTED: Final = "Failure occurred while waiting."
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
    lifecycle: Lifecycle
    action_timeout: int  # seconds, for stacks that say nothing

    def load(self, lock: Lock, prepared: TraversalId) -> Plan:
        """Return what the walk sets out with; raise FencedOut if the lock is no longer ours.

        Lifecycle plugins are called before a walk that is not the one which was `prepared` last.
        """
        plan = self._read(lock)
        if plan.stack.status is Status.IN_PROGRESS:
            return plan if plan.stack.traversal == prepared or plan.refused else self._prepared(plan)
        is_late = plan.deadline is not None and plan.deadline <= self.clock.monotonic()
        if plan.stack.reason != ending.TIMED_OUT and not is_late:
            return plan
        given_up = self._give_up_waiting(plan, [row for row in plan.rows if row.is_awaited], ending.TIMED_OUT)
        return replace(plan, rows=[given_up.get(row.id, row) for row in plan.rows])

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
        if steps and not self.visitor.workshop.journal.commit(*steps):
            return Visited(job.visit, Lost())
        name = job.visit.name if isinstance(job.visit, Converge) else _name_of(job)
        reason = reasons.of_resource(name, TimeoutError(_NO_ANSWER))
        return Visited(job.visit, Failed(reason), [replace(row, version=row.version + 1) for row in broken])

    def break_off(self, walk: Walk, stopped: Stopped) -> StackRecord | None:
        """Write that the walk is given up; return the stack as it is then, None: a newer walk or owner has come.

        With it fail the rows that were waited for: nobody asks for their outcome any more.
        """
        plan, traversals = walk.plan, [self._new_traversal(), self._new_traversal()]
        awaited = {row.id: row for row in walk.waiting_rows()}

        def end_at(tx: Tx) -> Ending:
            # One that has just come to a breakpoint has told of it before its walk has learnt of it.
            there = resources.of_stack(tx, plan.stack.id)
            stopped_at = {row.id: row for row in there if breakpoints.waiting_at(row, plan.stack.traversal)}
            rows = {**awaited, **stopped_at}.values()
            walks.apply(tx, [self._given_up(plan, row, stopped.reason) for row in rows])
            return ending.broken_off(plan.stack, stopped, next_traversals=traversals, now=tx.now())

        return self._write_end(plan, end_at, release=False)

    def end(self, walk: Walk) -> StackRecord | None:
        """Write how the walk ended and return the stack as it is then; None: a newer walk or owner has come."""
        plan, traversal = walk.plan, self._new_traversal()
        if plan.stack.status is not Status.IN_PROGRESS:
            return self._settled(plan)
        return self._write_end(
            plan,
            lambda tx: ending.ending(
                plan.stack, walk.failures, next_traversal=traversal, now=tx.now(), all_checked=walk.all_checked
            ),
            release=walk.has_come_to_all,
        )

    def _read(self, lock: Lock) -> Plan:
        with self.db.read() as tx:
            stack = stacks.get(tx, lock.stack_id)
            if stack is None or locks.current(tx, lock.stack_id) != lock:
                raise FencedOut(lock.stack_id)
            rows = resources.of_stack(tx, stack.id)
            elapsed = tx.now() - (stack.updated_time or stack.created_time)
            target, refused = self._target(tx, stack)
            hooks = self._hooks(tx, stack, target)
            taken = [one.id for one in snapshots.of_stack(tx, stack.id)] if _is_deleted(stack) else []
        limit = timedelta(minutes=stack.timeout_mins) if stack.timeout_mins else timedelta(seconds=self.action_timeout)
        deadline = self.clock.monotonic() + (limit - elapsed).total_seconds()
        return Plan(stack, lock, target, rows, deadline, hooks=hooks, snapshots=taken, refused=refused)

    def _target(self, tx: Tx, stack: StackRecord) -> tuple[Target, Stopped | None]:
        """Return what the walk leads to; a definition that is valid no more (a type is gone) leads nowhere."""
        try:
            return self.declared.walked(tx, stack), None
        except TemplateInvalid as error:
            is_walking = stack.status is Status.IN_PROGRESS
            return EMPTY, Stopped(f"the template is valid no more: {error}", roll_back=False) if is_walking else None

    def _hooks(self, tx: Tx, stack: StackRecord, target: Target) -> Mapping[str, frozenset[str]]:
        if stack.status is not Status.IN_PROGRESS or stack.manner.unattended:
            return {}
        if _is_deleted(stack):
            try:
                target = self.declared.stored(tx, stack)
            except TemplateInvalid:
                return {}  # what can't be read any more must not keep a stack from being deleted
        return {name: declaration.hooks for name, declaration in target.declarations.items() if declaration.hooks}

    def _prepared(self, plan: Plan) -> Plan:
        """Have the lifecycle plugins called; a walk that they do not let set out is refused."""
        if not self.lifecycle:
            return plan
        try:
            self.lifecycle.before(lifecycle.operation(plan.stack, plan.target, plan.rows))
        except NotReady as error:
            return replace(plan, refused=Stopped(str(error), roll_back=False))
        return plan

    def _write_end(self, plan: Plan, end_at: EndAt, *, release: bool) -> StackRecord | None:
        def write(tx: Tx) -> Ending:
            end, expected = end_at(tx), plan.stack.traversal
            for stack in end.states:
                event = self.visitor.workshop.logbook.of_stack(stack)
                is_last = release and stack is end.last and not end.walks_on
                if not stacks.finish(tx, plan.lock, stacks.Ending(stack, event, expected=expected, release=is_last)):
                    raise _SupersededError
                expected = stack.traversal
            _complete_snapshot(tx, plan.stack, end.states[0])
            return end

        try:
            end = database.retrying(self.db, write)
        except _SupersededError:
            return None
        if self.lifecycle and plan.refused is None:
            operation = lifecycle.operation(plan.stack, plan.target, plan.rows)
            self.lifecycle.after(operation, failed=end.states[0].status is Status.FAILED)
        return end.last

    def _settled(self, plan: Plan) -> StackRecord | None:
        """Free the lock of a stack on which nothing is under way any more; None: something has begun meanwhile."""

        def free(tx: Tx) -> StackRecord | None:
            if locks.hold(tx, plan.lock, plan.stack.traversal) is None:
                return None
            locks.release(tx, plan.lock)
            return plan.stack

        return database.retrying(self.db, free)

    def _give_up_waiting(self, plan: Plan, rows: Sequence[ResourceRecord], why: str) -> dict[str, ResourceRecord]:
        """Fail the rows that are waited for: nobody asks for their outcome any more. Return them as written."""
        steps = [self._given_up(plan, row, why) for row in rows]
        if not steps or not self.visitor.workshop.journal.commit(*steps):
            return {}
        return {step.row.id: replace(step.row, version=step.row.version + 1) for step in steps}

    def _given_up(self, plan: Plan, row: ResourceRecord, why: str) -> Step:
        if row.status is Status.IN_PROGRESS:
            return self._outcome(plan, advance.broke(row, reasons.aborted(row.action, why)))
        freed = replace(row, hook=None)  # it stands at a breakpoint, in a state that does not change
        event = self.visitor.workshop.logbook.of_attempt(plan.stack, freed, row.state, _INTERRUPTED)
        return Step(plan.lock, None, freed, event=event)

    def _outcome(self, plan: Plan, row: ResourceRecord) -> Step:
        return Step(plan.lock, None, row, event=self.visitor.workshop.logbook.of_resource(plan.stack, row))

    def _new_traversal(self) -> TraversalId:
        return TraversalId(self.visitor.workshop.new_id())


def _is_deleted(stack: StackRecord) -> bool:
    return stack.state == (Action.DELETE, Status.IN_PROGRESS)


def _complete_snapshot(tx: Tx, before: StackRecord, ended: StackRecord) -> None:
    """Complete the snapshot that a walk was to take; it has the id of the walk.

    One that failed knows all the same what had been saved by then: so that goes with it when it is removed.
    """
    if before.action is Action.SNAPSHOT:
        id_, data = SnapshotId(before.traversal), exports.read(tx, ended)
        snapshots.complete(tx, id_, status=ended.status, reason=ended.reason, data=data)


def _is_visited(job: Job, row: ResourceRecord) -> bool:
    """Return whether the visit is to this row, or to its name."""
    if isinstance(job.visit, Converge):
        return row.name == job.visit.name and row.action is not Action.DELETE
    return row.id in job.rows


def _name_of(job: Job) -> str:
    return next((row.name for row in job.rows.values()), str(job.visit))
