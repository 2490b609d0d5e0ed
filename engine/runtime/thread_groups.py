"""ThreadGroupManager: the seed's way to run something for a stack, on one bounded pool (rpc.md §5.2).

A group is a stack's set of running tasks, timers and events, not a thread. Tasks of many stacks share the pool in
turn. A walk is started like any task; it answers with a future, goes on without holding a thread, and releases its
lock itself, together with its last state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from engine.model.ids import EngineId, StackId
from engine.model.records import Caller, StackRecord
from engine.runtime.loop import Loop
from engine.runtime.periodic import Periodic
from engine.runtime.pool import Pool
from engine.runtime.stack_lock import StackLock

log = logging.getLogger(__name__)

LockFor = Callable[[StackId, EngineId], StackLock]
Undo = Callable[[], object]  # what is left to do for a task that was cancelled before it started


class Event(Protocol):
    """Somebody who waits for messages to a stack."""

    def send(self, message: str) -> None:
        """Take the message; must not wait."""


@dataclass(slots=True)
class _Group:
    """What belongs to one stack. Owned by the loop's thread."""

    running: dict[Future[Any], Undo] = field(default_factory=dict)  # and what is to be done if it never starts
    timers: list[Periodic] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        return not (self.running or self.timers or self.events)

    def silence(self) -> None:
        for timer in self.timers:
            timer.stop()
        self.timers.clear()

    def drop(self, event: Event) -> None:
        self.events = [other for other in self.events if other is not event]

    def send(self, message: str) -> None:
        for event in list(self.events):
            event.send(message)


class ThreadGroupManager:
    """Runs tasks, timers and messages for stacks."""

    def __init__(self, loop: Loop, pool: Pool, lock_for: LockFor, periodic_interval: float) -> None:
        """Make the manager; timers fire every `periodic_interval` seconds."""
        self._loop = loop
        self._pool = pool
        self._lock_for = lock_for
        self._interval = periodic_interval
        self._groups: dict[StackId, _Group] = {}

    def start(self, stack_id: StackId, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the function in the stack's group; a future that it returns is waited for without a thread."""
        return self._begin(stack_id, partial(func, *args, **kwargs), _nothing)

    def start_with_lock(
        self, cnxt: Caller, stack: StackRecord, engine_id: EngineId, func: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Acquire the stack's lock, then as `start_with_acquired_lock`; raise ActionInProgress if it can't be had."""
        log.debug("%s asks for the lock of stack %s", cnxt.request_id, stack.id)
        lock = self._lock_for(stack.id, engine_id)
        with lock.thread_lock():
            return self.start_with_acquired_lock(stack, lock, func, *args, **kwargs)

    def start_with_acquired_lock(
        self, stack: StackRecord, lock: StackLock, func: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Run the function and release the lock when it has ended, well or not.

        A function that answers with a future (a walk) has taken the lock over and releases it with its last write.
        """

        def locked() -> Any:
            try:
                result = func(*args, **kwargs)
            except BaseException:
                lock.release()
                raise
            if not isinstance(result, Future):
                lock.release()
            return result

        return self._begin(stack.id, locked, lock.release)

    def stop(self, stack_id: StackId, graceful: bool = False) -> None:
        """Stop the stack's timers and tasks, and wait until those that run have ended; unknown ids are fine.

        Threads can't be killed: not graceful means that what has not started is cancelled. Not from the loop's thread.
        """
        running: Future[dict[Future[Any], Undo]] = Future()
        self._loop.post(self._stop, stack_id, graceful, running)
        for task, undo in running.result().items():
            if task.cancelled():
                undo()
            else:
                task.exception()

    def add_timer(self, stack_id: StackId, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call the function in the stack's group now and then every `periodic_interval` seconds."""
        submit = partial(self._pool.submit, stack_id)
        timer = Periodic(self._loop, submit, self._interval, partial(func, *args, **kwargs))
        self._loop.post(lambda: self._group(stack_id).timers.append(timer))
        self._loop.post(timer.start)

    def stop_timers(self, stack_id: StackId) -> None:
        """Stop the stack's timers; unknown ids are fine."""
        self._loop.post(self._change, stack_id, _Group.silence)

    def add_event(self, stack_id: StackId, event: Event) -> None:
        """Hand messages to the stack to this event from now on."""
        self._loop.post(lambda: self._group(stack_id).events.append(event))

    def remove_event(self, gt: object, stack_id: StackId, event: Event) -> None:
        """Hand it nothing more. `gt` is what a finished task passes when this is its callback; it is not used."""
        self._loop.post(self._change, stack_id, lambda group: group.drop(event))

    def send(self, stack_id: StackId, message: str) -> None:
        """Hand the message to all who wait for messages to the stack; nobody waiting is fine."""
        self._loop.post(self._change, stack_id, lambda group: group.send(message))

    def _group(self, stack_id: StackId) -> _Group:
        return self._groups.setdefault(stack_id, _Group())

    def _change(self, stack_id: StackId, change: Callable[[_Group], object]) -> None:
        """Change a group that is there, and forget it if nothing is left in it."""
        group = self._groups.get(stack_id)
        if group is not None:
            change(group)
            if group.is_idle:
                self._groups.pop(stack_id, None)

    def _begin(self, stack_id: StackId, work: Callable[[], Any], undo: Undo) -> Future[Any]:
        task: Future[Any] = Future()
        ended = partial(self._loop.post, self._change, stack_id, lambda group: group.running.pop(task, None))
        self._loop.post(lambda: self._group(stack_id).running.update({task: undo}))
        task.add_done_callback(lambda _: ended())
        self._pool.submit(stack_id, partial(_run, task, work))
        return task

    def _stop(self, stack_id: StackId, graceful: bool, running: Future[dict[Future[Any], Undo]]) -> None:
        group = self._groups.pop(stack_id, _Group())
        group.silence()
        if not graceful:
            for task in group.running:
                task.cancel()  # one that has started goes on to its end
        running.set_result(group.running)


def _run(task: Future[Any], work: Callable[[], Any]) -> None:
    """Run the work in a pool thread and settle its future; one that the work returned settles it later."""
    if not task.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  the error is the answer
        task.set_exception(error)
        return
    if isinstance(result, Future):
        result.add_done_callback(partial(_pass_on, task))
    else:
        task.set_result(result)


def _pass_on(task: Future[Any], inner: Future[Any]) -> None:
    error = inner.exception()
    if error is not None:
        task.set_exception(error)
    else:
        task.set_result(inner.result())


def _nothing() -> None:
    """Do nothing: a task without a lock leaves nothing behind."""
