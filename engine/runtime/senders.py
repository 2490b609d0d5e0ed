"""Threads that send to watchers: a few, and one more for each that is stuck with a client, up to a limit.

Owned by the loop of the streams, as the pool of the visits is by the conductor's: the threads only run tasks. A thread
can't be called back from a client that takes nothing, so another stands in for it until it returns.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.runtime.loop import Loop

log = logging.getLogger(__name__)

Task = Callable[[], object]


@dataclass(slots=True, eq=False)
class Sending:
    """A task, waiting or at work."""

    task: Task
    is_stuck: bool = False  # another thread stands in for its own


@dataclass(slots=True, eq=False)
class _Sender:
    inbox: queue.SimpleQueue[Sending | None] = field(default_factory=queue.SimpleQueue)


class Senders:
    """Runs tasks in the order in which they came. Only the loop's thread calls it."""

    def __init__(self, loop: Loop, size: int, most: int) -> None:
        """Keep `size` threads that can move, started when needed, and at most `most` with those that are stuck."""
        self._loop = loop
        self._size = size
        self._most = most
        self._waiting: deque[Sending] = deque()
        self._idle: list[_Sender] = []
        self._busy: set[_Sender] = set()
        self._stuck = 0
        self._stopped = False

    def submit(self, task: Task) -> Sending:
        """Run the task as soon as a thread is free; the task handles its own errors."""
        sending = Sending(task)
        self._waiting.append(sending)
        self._dispatch()
        return sending

    def stands_in(self, sending: Sending) -> None:
        """Let another thread do what that of this task can't do meanwhile."""
        if not sending.is_stuck:
            sending.is_stuck = True
            self._stuck += 1
            self._dispatch()

    def stop(self) -> None:
        """End the threads as soon as nothing is left to do."""
        self._stopped = True
        self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting and (sender := self._free()) is not None:
            self._busy.add(sender)
            sender.inbox.put(self._waiting.popleft())
        if self._stopped and not self._waiting:
            self._dismiss([*self._idle, *self._busy])

    def _free(self) -> _Sender | None:
        if len(self._busy) >= min(self._size + self._stuck, self._most):
            return None
        if self._idle:
            return self._idle.pop()
        sender = _Sender()
        threading.Thread(target=self._work, args=(sender,), name="watch", daemon=True).start()
        return sender

    def _finished(self, sender: _Sender, sending: Sending) -> None:
        self._stuck -= sending.is_stuck
        if sender not in self._busy:
            return  # it has been dismissed
        self._busy.remove(sender)
        self._idle.append(sender)
        self._dispatch()
        spare = len(self._idle) + len(self._busy) - self._size - self._stuck
        self._dismiss(self._idle[: max(0, spare)])  # it stood in for one that has returned

    def _dismiss(self, senders: Sequence[_Sender]) -> None:
        """End the threads, once they have done what they are doing."""
        for sender in senders:
            sender.inbox.put(None)
        self._idle = [sender for sender in self._idle if sender not in senders]
        self._busy.difference_update(senders)

    def _work(self, sender: _Sender) -> None:
        while (sending := sender.inbox.get()) is not None:
            try:
                sending.task()
            except Exception:
                log.exception("a task of a sender failed")
            self._loop.post(self._finished, sender, sending)
            del sending  # a thread that waits must not keep the last events alive
