"""Owns every walk of this engine: one thread, no locks, no database. Each stack that is walked has a `Course`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from engine.model.ids import StackId, TraversalId
from engine.model.records import Lock, StackRecord
from engine.plan.ending import Stopped
from engine.runtime.course import Course, Tools

_QUIET_POLL = 0.01  # seconds between looks whether everything in flight has come back


class Conductor:
    """Starts, leads and ends the walks of this engine. Its public methods may be called from any thread."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._courses: dict[StackId, Course] = {}
        self._stopping = False

    def walk(self, lock: Lock) -> Future[StackRecord | None]:
        """Walk the stack until it settles. The future gets the stack as it ended, or None if another engine has it."""
        course = Course(self._tools, lock, self._left)
        self._tools.loop.post(self._begin, course)
        return course.done

    def poke(self, lock: Lock, unless: TraversalId | None = None) -> None:
        """Look at the stack again: its target may have changed. Walk it if it is not being walked.

        One that is on its way to the walk `unless` is left alone.
        """
        self._tools.loop.post(self._look_again, lock, unless)

    def halt(self, stack_id: StackId, stopped: Stopped | None = None) -> None:
        """Look at the stack again if it is being walked, or end its walk as failed if `stopped` says so.

        What is in flight is recorded. Without `stopped` it is harmless if nothing has changed.
        """
        what = Course.look_again if stopped is None else partial(Course.give_up, stopped=stopped)
        self._tools.loop.post(self._tell, stack_id, what)

    def wake(self, stack_id: StackId, name: str) -> None:
        """Visit a resource of the stack that is waiting: what it waits for may have happened."""
        self._tools.loop.post(self._tell, stack_id, partial(Course.visit_early, name=name))

    def leave(self, stack_id: StackId) -> Future[Lock | None]:
        """Walk one stack no further. Once nothing is in flight the future gets its lock, for the caller to free."""
        left: Future[Lock | None] = Future()
        self._tools.loop.post(self._leave, stack_id, left)
        return left

    def stop(self) -> Future[list[Lock]]:
        """Start nothing more; the future gets the locks of the walks that were under way, once nothing is in flight."""
        stopped: Future[list[Lock]] = Future()
        self._tools.loop.post(self._stop, stopped)
        return stopped

    def _begin(self, course: Course) -> None:
        known = self._courses.get(course.lock.stack_id)
        if self._stopping or (known is not None and known.lock.fence >= course.lock.fence):
            course.done.set_result(None)
            return
        self._courses[course.lock.stack_id] = course
        course.load()

    def _look_again(self, lock: Lock, unless: TraversalId | None) -> None:
        course = self._courses.get(lock.stack_id)
        if course is None:
            self._begin(Course(self._tools, lock, self._left))
        elif unless is None or not course.walks_to(unless):
            course.look_again()

    def _tell(self, stack_id: StackId, what: Callable[[Course], None]) -> None:
        course = self._courses.get(stack_id)
        if course is not None:
            what(course)

    def _left(self, course: Course, stack: StackRecord | None) -> None:
        if self._courses.get(course.lock.stack_id) is course:
            del self._courses[course.lock.stack_id]
        owner = self._courses.get(stack.owner_id) if stack is not None and stack.owner_id else None
        if stack is not None and owner is not None:
            owner.visit_early(stack.parent_resource)

    def _leave(self, stack_id: StackId, left: Future[Lock | None]) -> None:
        course = self._courses.get(stack_id)
        if course is None:
            left.set_result(None)
            return
        course.leave()
        self._wait_until_left(course, left)

    def _wait_until_left(self, course: Course, left: Future[Lock | None]) -> None:
        if not course.is_quiet:
            self._tools.loop.after(_QUIET_POLL, self._wait_until_left, course, left)
        elif self._courses.get(course.lock.stack_id) is course:
            del self._courses[course.lock.stack_id]
            course.done.set_result(None)
            left.set_result(course.lock)
        else:
            left.set_result(None)  # its walk had ended meanwhile

    def _stop(self, stopped: Future[list[Lock]]) -> None:
        self._stopping = True
        for course in self._courses.values():
            course.leave()
        self._wait_until_quiet(stopped)

    def _wait_until_quiet(self, stopped: Future[list[Lock]]) -> None:
        if all(course.is_quiet for course in self._courses.values()):
            stopped.set_result([course.lock for course in self._courses.values()])
        else:
            self._tools.loop.after(_QUIET_POLL, self._wait_until_quiet, stopped)
