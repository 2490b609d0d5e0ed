"""Few things for many threads: each is used by one thread at a time, and who asked first is served first.

`cage` gives out its workers this way. No lock is held while anything is used or waited for.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from engine.model.errors import Code, EngineError

Thing = TypeVar("Thing")


class Turns(Generic[Thing]):
    """Things that are used by one thread at a time, given out in the order of asking."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._back = threading.Condition()  # something is free again; also the lock of all that follows
        self._free = list(things)
        self._all = len(self._free)
        self._waiting: deque[queue.SimpleQueue[Thing | None]] = deque()
        self._closed = False

    def take(self, seconds: float) -> Thing:
        """Return a thing, the one used last if there is a choice; raise `queue.Empty` if there is none in time."""
        mailbox: queue.SimpleQueue[Thing | None] = queue.SimpleQueue()
        with self._back:
            if self._closed:
                raise _refusal()
            if self._free:
                return self._free.pop()
            self._waiting.append(mailbox)
        thing = self._awaited(mailbox, seconds)
        if thing is None:
            raise _refusal()
        return thing

    def give(self, thing: Thing) -> None:
        """Take a thing back, for whoever has waited longest."""
        with self._back:
            if self._waiting:
                self._waiting.popleft().put(thing)
            else:
                self._free.append(thing)
                self._back.notify_all()

    def close(self, seconds: float) -> None:
        """Refuse everybody from now on; return when all things are back, or so many seconds later."""
        with self._back:
            self._closed = True
            while self._waiting:
                self._waiting.popleft().put(None)
            self._back.wait_for(lambda: len(self._free) == self._all, seconds)

    def _awaited(self, mailbox: queue.SimpleQueue[Thing | None], seconds: float) -> Thing | None:
        try:
            return mailbox.get(timeout=seconds)
        except queue.Empty:
            with self._back:
                if mailbox in self._waiting:
                    self._waiting.remove(mailbox)
                    raise
            return mailbox.get()  # it was handed over at that very moment


def _refusal() -> EngineError:
    return EngineError(Code.SHUTTING_DOWN, "this engine is shutting down")
