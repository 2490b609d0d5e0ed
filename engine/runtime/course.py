"""One stack that this engine walks: load, walk, end, and from the start again when a newer walk has come meanwhile.

Runs on the conductor's loop; whatever must wait (loading, visiting, writing the end) runs in the pool and posts its
answer back. A newer walk sets out at once, while visits of the one before are still in the air.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from engine.model.errors import FencedOut
from engine.model.ids import TraversalId
from engine.model.records import Lock, StackRecord
from engine.model.states import Status
from engine.plan.ending import TIMED_OUT, Stopped
from engine.plan.visits import Visit
from engine.runtime.clock import Clock
from engine.runtime.flights import Flights, Visits, in_pool
from engine.runtime.jobs import Plan, Unrecorded, Visited, Waits
from engine.runtime.loop import Loop, Timer
from engine.runtime.pool import Pool
from engine.runtime.walk import Walk

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 1.0  # until a read or a write that the database refused is tried again


class Steps(Visits, Protocol):
    """What runs in the pool for a course."""

    def load(self, lock: Lock, prepared: TraversalId) -> Plan:
        """Return what the walk sets out with; raise FencedOut if the lock is no longer ours."""

    def break_off(self, walk: Walk, stopped: Stopped) -> StackRecord | None:
        """Write that the walk is given up; return the stack as it is then, None: a newer walk or owner has come."""

    def end(self, walk: Walk) -> StackRecord | None:
        """Write how the walk ended and return the stack as it is then; None: a newer walk or owner has come."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every course works with."""

    loop: Loop
    pool: Pool
    steps: Steps
    clock: Clock


class Course:
    """One stack under way. Only the loop's thread calls it."""

    def __init__(self, tools: Tools, lock: Lock, left: Callable[[Course, StackRecord | None], None]) -> None:
        """Make a course; `left` is called when it is over: with the stack as it ended, or None if it is not ours."""
        self.lock = lock
        self.done: Future[StackRecord | None] = Future()
        self._tools = tools
        self._left = left
        self._flights = Flights(tools.loop, tools.pool, lock.stack_id, visits=tools.steps, landed=self._landed)
        self._walk: Walk | None = None  # None: it is being loaded
        self._prepared = TraversalId("")  # the walk that has set out last
        self._is_stale = False  # True: what is being loaded has to be looked at again
        self._is_leaving = False  # True: the engine stops, walk no further
        self._is_writing = False  # True: an end is being written
        self._late: list[Visited] = []  # what came back while a walk was being loaded
        self._deadline: Timer | None = None

    def walks_to(self, traversal: TraversalId) -> bool:
        """Return whether this is the course's walk, or will be once it is loaded."""
        return self._walk is None or self._walk.plan.stack.traversal == traversal

    @property
    def is_quiet(self) -> bool:
        """Return whether no visit is in the air and nothing is being written."""
        return self._flights.are_over and not self._is_writing

    def load(self) -> None:
        """Begin, or begin again: read what the stack is to be and what is there."""
        self._walk, self._is_stale = None, False
        if not self._is_leaving:
            _in_pool(self, partial(self._tools.steps.load, self.lock, self._prepared), self._loaded)

    def look_again(self) -> None:
        """Walk on to what the stack is to be now; what is in the air finishes meanwhile."""
        if self._walk is None:
            self._is_stale = True
        elif not self._is_writing:  # an end that is being written does not land if a newer walk has come
            self._flights.halt(self._walk)
            self.load()

    def give_up(self, stopped: Stopped) -> None:
        """Give the walk up now, as `stopped` says; what is in the air finishes and is recorded."""
        walk = self._walk
        if walk is None or self._is_writing or walk.plan.stack.status is not Status.IN_PROGRESS:
            return  # it has just ended, or is being looked at again
        self._flights.halt(walk)
        self._is_writing = True
        written = partial(self._written, walk, partial(self.give_up, stopped), is_over=False)
        _in_pool(self, partial(self._tools.steps.break_off, walk, stopped), written)

    def leave(self) -> None:
        """Walk no further: the engine stops, or somebody else is to walk. What is in the air finishes."""
        self._is_leaving = True
        if self._walk is not None:
            self._flights.halt(self._walk)

    def visit_early(self, name: str) -> None:
        """Visit a resource that is waiting now: what it waits for has happened."""
        if self._walk is not None:
            self._flights.send_early(self._walk, name)

    def _loaded(self, plan: Plan | None, error: Exception | None) -> None:
        if isinstance(error, FencedOut):
            self._leave(None)
        elif plan is None:
            log.error("stack %s could not be loaded", self.lock.stack_id, exc_info=error)
            self._tools.loop.after(RETRY_SECONDS, self.load)
        elif self._is_stale:
            self.load()
        else:
            self._set_out(plan)

    def _set_out(self, plan: Plan) -> None:
        walk = self._walk = Walk(plan)
        walk.is_halted = self._is_leaving
        self._prepared = plan.stack.traversal
        self._flights.set_out()
        late, self._late = self._late, []
        for visited in late:
            walk.learn(visited)
        if plan.refused is not None:
            self.give_up(plan.refused)
        elif any(_has_to_settle(walk, visited) for visited in late):
            self.load()
        else:
            self._set_deadline(plan)
            self._go_on(walk, walk.ready())

    def _set_deadline(self, plan: Plan) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if plan.deadline is None:
            return
        left = plan.deadline - self._tools.clock.monotonic()
        if plan.stack.status is Status.IN_PROGRESS:
            self._deadline = self._tools.loop.after(max(0.0, left), self.give_up, Stopped(TIMED_OUT))
        elif left > 0:  # then what has not settled is given up, by looking again; what was late has been already
            self._deadline = self._tools.loop.after(left, self.look_again)

    def _landed(self, of: Walk, name: str, visited: Visited) -> None:
        """Take in how a visit ended, of this walk or of one before it."""
        walk = self._walk
        if walk is None:
            self._late.append(visited)
        elif walk is not of:
            walk.learn(visited)
            if _has_to_settle(walk, visited):
                self.look_again()
            else:
                self._go_on(walk, self._flights.freed(name))
        elif walk.is_halted:
            walk.learn(visited)
        else:
            self._advance(walk, visited)

    def _advance(self, walk: Walk, visited: Visited) -> None:
        ready = walk.returned(visited)
        if walk.is_halted:  # by this very visit: a write of it did not land
            self.look_again()
            return
        if isinstance(visited.result, Waits | Unrecorded):
            self._flights.send_later(walk, visited.visit, visited.result.seconds)
        self._go_on(walk, ready)

    def _go_on(self, walk: Walk, ready: Iterable[Visit] = ()) -> None:
        """Make the visits that are ready; write the end once there are none, and nothing is in the air any more."""
        self._flights.send(walk, ready)
        if walk is self._walk and walk.is_over and not walk.is_halted and self.is_quiet:
            self._is_writing = True
            written = partial(self._written, walk, partial(self._go_on, walk), is_over=True)
            _in_pool(self, partial(self._tools.steps.end, walk), written)

    def _written(
        self,
        walk: Walk,
        again: Callable[[], None],
        stack: StackRecord | None,
        error: Exception | None,
        *,
        is_over: bool,
    ) -> None:
        self._is_writing = False
        if error is not None:
            log.error("the end of the walk of stack %s was not written", self.lock.stack_id, exc_info=error)
            self._tools.loop.after(RETRY_SECONDS, lambda: again() if walk is self._walk else None)
        elif stack is None or stack.status is Status.IN_PROGRESS or not is_over or not walk.has_come_to_all:
            self.load()  # a newer walk has come, or the rollback begins, or what was begun has to settle
        else:
            self._leave(stack)

    def _leave(self, stack: StackRecord | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._left(self, stack)
        if not self.done.done():  # else it was left while it was being loaded
            self.done.set_result(stack)


def _has_to_settle(walk: Walk, visited: Visited) -> bool:
    """Return whether a cancelled operation has just begun to wait, which the walk does not know of."""
    return isinstance(visited.result, Waits) and walk.plan.stack.status is not Status.IN_PROGRESS


def _in_pool(course: Course, work: Callable[[], T], then: Callable[[T | None, Exception | None], None]) -> None:
    tools = course._tools  # noqa: SLF001  a function of the course's own module
    in_pool(tools.loop, tools.pool, course.lock.stack_id, work=work, then=then)
