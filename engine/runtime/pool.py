"""A bounded pool of threads that is fair between groups: a stack of 10,000 resources does not starve one of 5.

Tasks wait in one queue per group; whenever a thread is free, the next group in turn gives one task. All of this
bookkeeping is owned by the loop, the threads only run tasks. A thread can't be killed: a task that hangs is
abandoned, which means that its thread is written off and a new one takes its place.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from engine.runtime.loop import Loop, Timer

log = logging.getLogger(__name__)

Task = Callable[[], object]
OnHang = Callable[[], object]  # called on the loop when a task is written off
_Waiting = tuple[Task, OnHang | None]


@dataclass(slots=True, eq=False)
class _Worker:
    inbox: queue.SimpleQueue[Task | None] = field(default_factory=queue.SimpleQueue)
    group: Hashable = None
    limit: Timer | None = None
    on_hang: OnHang | None = None
    abandoned: bool = False


class Pool:
    """Runs tasks of many groups on few threads, in turn."""

    def __init__(self, loop: Loop, size: int, hang_limit: float | None = None) -> None:
        """Make a pool of `size` threads, started when needed; a task is written off after `hang_limit` seconds."""
        self._loop = loop
        self._size = size
        self._hang_limit = hang_limit
        self._waiting: dict[Hashable, deque[_Waiting]] = {}
        self._turns: deque[Hashable] = deque()  # the groups that have a task waiting, the next one first
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._stopped = False

    def submit(self, group: Hashable, task: Task, on_hang: OnHang | None = None) -> None:
        """Run the task when it is its group's turn. May be called from any thread; the task handles its own errors."""
        self._loop.post(self._enqueue, group, (task, on_hang))

    def drop(self, group: Hashable) -> None:
        """Forget the tasks of the group that have not started. Only from the loop's thread."""
        if self._waiting.pop(group, None) is not None:
            self._turns.remove(group)

    def stop(self) -> None:
        """End the idle threads now, and the others when their task ends. May be called from any thread."""
        self._loop.post(self._stop)

    def _stop(self) -> None:
        self._stopped = True
        self._waiting.clear()
        self._turns.clear()
        for worker in self._idle:
            worker.inbox.put(None)
        self._idle.clear()

    def _enqueue(self, group: Hashable, waiting: _Waiting) -> None:
        if self._stopped:
            return
        if group not in self._waiting:
            self._waiting[group] = deque()
            self._turns.append(group)
        self._waiting[group].append(waiting)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._turns and (worker := self._free_worker()) is not None:
            group = self._turns.popleft()
            tasks = self._waiting[group]
            task, worker.on_hang = tasks.popleft()
            if tasks:
                self._turns.append(group)
            else:
                del self._waiting[group]
            self._give(worker, group, task)

    def _free_worker(self) -> _Worker | None:
        if self._idle:
            return self._idle.pop()
        if len(self._busy) >= self._size:
            return None
        worker = _Worker()
        threading.Thread(target=self._work, args=(worker,), name="visitor", daemon=True).start()
        return worker

    def _give(self, worker: _Worker, group: Hashable, task: Task) -> None:
        worker.group = group
        if self._hang_limit is not None:
            worker.limit = self._loop.after(self._hang_limit, self._abandon, worker)
        self._busy.add(worker)
        worker.inbox.put(task)

    def _finished(self, worker: _Worker) -> None:
        if worker.limit is not None:
            worker.limit.cancel()
        if worker.abandoned:
            worker.inbox.put(None)
            return
        self._busy.discard(worker)
        if self._stopped:
            worker.inbox.put(None)
            return
        self._idle.append(worker)
        self._dispatch()

    def _abandon(self, worker: _Worker) -> None:
        log.error("a task of %s has hung for %s s; its thread is written off", worker.group, self._hang_limit)
        worker.abandoned = True
        self._busy.discard(worker)
        if worker.on_hang is not None:
            worker.on_hang()
        self._dispatch()

    def _work(self, worker: _Worker) -> None:
        while (task := worker.inbox.get()) is not None:
            try:
                task()
            except Exception:
                log.exception("a task of %s failed", worker.group)
            del task  # a thread that waits must not keep the last task's values alive
            self._loop.post(self._finished, worker)
