"""One stack that this engine walks: load, walk, end, and from the start again when a newer walk has come meanwhile.

Runs on the conductor's loop; whatever must wait (loading, visiting, writing the end) runs in the pool and posts its
answer back. Visits that are in flight when the course is halted finish and are recorded first, so a course never has
two walks at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from engine.model.errors import FencedOut
from engine.model.ids import StackId, TraversalId
from engine.model.records import Lock, StackRecord
from engine.model.states import Status
from engine.plan.ending import TIMED_OUT, Stopped
from engine.plan.visits import Visit
from engine.runtime.clock import Clock
from engine.runtime.jobs import Job, Lost, Plan, Unrecorded, Visited, Waits
from engine.runtime.loop import Loop, Timer
from engine.runtime.pool import Pool
from engine.runtime.walk import Walk

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 1.0  # until a read or a write that the database refused is tried again


class Steps(Protocol):
    """What runs in the pool for a course."""

    def load(self, lock: Lock) -> Plan:
        """Return what the walk sets out with; raise FencedOut if the lock is no longer ours."""

    def visit(self, job: Job) -> Visited:
        """Make one visit; never raises."""

    def abandon(self, job: Job) -> Visited:
        """Fail a visit whose call hangs, so that whatever the call still does is recorded nowhere."""

    def end(self, walk: Walk, stopped: Stopped | None) -> StackRecord | None:
        """Write how the walk ended and return the stack as it is then; None: a newer walk or owner has come."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every course works with."""

    loop: Loop
    pool: Pool
    steps: Steps
    clock: Clock


class Course:
    """One stack under way. Only the loop's thread calls it; `_make` alone runs in the pool."""

    def __init__(self, tools: Tools, lock: Lock, left: Callable[[Course, StackRecord | None], None]) -> None:
        """Make a course; `left` is called when it is over: with the stack as it ended, or None if it is not ours."""
        self.lock = lock
        self.done: Future[StackRecord | None] = Future()
        self._tools = tools
        self._left = left
        self._walk: Walk | None = None  # None: it is being loaded
        self._halted = False  # True: start no visit; read by pool threads
        self._leaving = False  # True: the engine stops, walk no further
        self._ending = False
        self._stopped: Stopped | None = None
        self._timers: dict[Visit, Timer] = {}
        self._deadline: Timer | None = None

    def walks_to(self, traversal: TraversalId) -> bool:
        """Return whether this is the course's walk, or will be once it is loaded."""
        return self._walk is None or self._walk.plan.stack.traversal == traversal

    @property
    def is_quiet(self) -> bool:
        """Return whether no visit is in flight and no end is being written."""
        return self._walk is None or not (self._walk.in_flight or self._ending)

    def load(self) -> None:
        """Begin, or begin again: read what the stack is to be and what is there."""
        self._walk, self._halted, self._ending = None, self._leaving, False
        if not self._leaving:
            _in_pool(self._tools, self.lock.stack_id, partial(self._tools.steps.load, self.lock), self._loaded)

    def halt(self, stopped: Stopped | None = None, *, leave: bool = False) -> None:
        """Start no more visits; then give the walk up as `stopped` says, or look again, or leave it as it is."""
        self._leaving = self._leaving or leave
        self._halted = True
        if self._ending:
            return  # an end that is being written does not land if a newer walk has come, and we begin again
        self._stopped = stopped or self._stopped
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._walk is not None:
            self._settle_halt(self._walk)

    def visit_early(self, name: str) -> None:
        """Visit a resource that is waiting now: what it waits for has happened."""
        walk = self._walk
        if walk is not None:
            for visit in [visit for visit in self._timers if walk.concerns(visit, name)]:
                self._timers[visit].cancel()
                self._visit(walk, (visit,), is_woken=True)

    def _loaded(self, plan: Plan | None, error: Exception | None) -> None:
        if isinstance(error, FencedOut):
            self._leave(None)
        elif plan is None:
            log.error("stack %s could not be loaded", self.lock.stack_id, exc_info=error)
            self._tools.loop.after(RETRY_SECONDS, self.load)
        else:
            self._walk = Walk(plan)
            self._set_deadline(plan)
            if self._halted:
                self._settle_halt(self._walk)
            else:
                self._visit(self._walk, self._walk.ready())
                self._end(self._walk)

    def _set_deadline(self, plan: Plan) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if plan.deadline is not None:
            left = max(0.0, plan.deadline - self._tools.clock.monotonic())
            self._deadline = self._tools.loop.after(left, self.halt, Stopped(TIMED_OUT))

    def _visit(self, walk: Walk, visits: Iterable[Visit], *, is_woken: bool = False) -> None:
        for visit in visits:
            self._timers.pop(visit, None)
            job = walk.in_flight[visit] = walk.job(visit, is_woken=is_woken)
            make, hung = partial(self._make, walk, job), partial(self._hung, walk, job)
            self._tools.pool.submit(self.lock.stack_id, make, hung)

    def _make(self, walk: Walk, job: Job) -> None:
        """Make a visit, in a pool thread; once the course is halted, those that have not started do nothing."""
        visited = Visited(job.visit, Lost()) if self._halted else self._tools.steps.visit(job)
        self._tools.loop.post(self._visited, walk, job, visited)

    def _hung(self, walk: Walk, job: Job) -> None:
        """Fail a visit whose call does not return; if it ever does, nobody listens and its record does not land."""
        abandon = partial(self._tools.steps.abandon, job)
        _in_pool(
            self._tools,
            self.lock.stack_id,
            abandon,
            lambda visited, _: self._visited(walk, job, visited or Visited(job.visit, Lost())),
        )

    def _visited(self, walk: Walk, job: Job, visited: Visited) -> None:
        if walk.in_flight.get(job.visit) is not job:
            return  # it was given up for hanging, and has come back after all
        ready = walk.returned(visited)
        if walk.lost:
            self._halted = True
        if self._halted:
            self._settle_halt(walk)
            return
        match visited.result:
            case Waits() | Unrecorded() as pause:
                again = self._tools.loop.after(pause.seconds, self._visit, walk, (visited.visit,))
                self._timers[visited.visit] = again
            case _:
                pass
        self._visit(walk, ready)
        self._end(walk)

    def _settle_halt(self, walk: Walk) -> None:
        """Go on from a halt once nothing is in flight."""
        if walk.in_flight or self._ending or self._leaving:
            return
        if self._stopped is not None:
            self._end(walk)
        else:
            self.load()

    def _end(self, walk: Walk) -> None:
        """Write the end of a walk that is over, or was given up."""
        if walk is not self._walk or self._ending or not (walk.is_over or self._stopped):
            return
        self._ending = True
        _in_pool(
            self._tools,
            self.lock.stack_id,
            partial(self._tools.steps.end, walk, self._stopped),
            partial(self._ended, walk),
        )

    def _ended(self, walk: Walk, stack: StackRecord | None, error: Exception | None) -> None:
        if error is not None:
            log.error("the end of the walk of stack %s was not written", self.lock.stack_id, exc_info=error)
            self._ending = False
            self._tools.loop.after(RETRY_SECONDS, self._end, walk)
            return
        self._stopped = None
        if stack is None or stack.status is Status.IN_PROGRESS:
            self.load()  # a newer walk has come, or the rollback begins
        else:
            self._leave(stack)

    def _leave(self, stack: StackRecord | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._left(self, stack)
        self.done.set_result(stack)


def _in_pool(
    tools: Tools, group: StackId, work: Callable[[], T], then: Callable[[T | None, Exception | None], None]
) -> None:
    """Run the work in the pool, then call `then(result, error)` on the loop; one of the two is None."""

    def task() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  the error is the answer
            tools.loop.post(then, None, error)
        else:
            tools.loop.post(then, result, None)

    tools.pool.submit(group, task)
