"""A lane: things on their way to one taker, on a thread of its own, so that a taker that is stuck holds up nobody else.

Whoever adds never waits. What waits is bounded: when there is no room, the oldest makes room, is counted and logged.
Used by `outlets`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

_TOLD_AGAIN: Final = 1_000  # after so many more that were dropped
_REST: Final = 0.02  # seconds between two times that the thread wakes: each of them takes the interpreter from a walk


def _nothing_to_look_at() -> float | None:
    return None


class Lane(Generic[T]):
    """Hands things to a taker, one after the other. What the taker raises is logged."""

    def __init__(
        self,
        name: str,
        take: Callable[[T], None],
        *,
        look: Callable[[], float | None] = _nothing_to_look_at,
        room: int,
    ) -> None:
        """Make a lane, with room for so many things that wait.

        `look` is called when nothing waits; it may answer in how many seconds to call it again at the latest. Both
        calls are made on the lane's thread and nowhere else.
        """
        self._name = name
        self._take = take
        self._look = look
        self._room = room
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()  # held for moments only
        self._closed = threading.Event()
        self._dropped = 0
        self._in_hand = 0  # 1: the taker has one
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, things: Collection[T]) -> None:
        """Note things down. May be called from any thread; does not wait for the taker."""
        with self._changed:
            before = self._dropped
            if self._closed.is_set():
                self._dropped += len(things)
            else:
                self._waiting.extend(things)
                self._make_room()
            dropped = self._dropped
            self._changed.notify()
        if dropped // _TOLD_AGAIN > before // _TOLD_AGAIN or (dropped and not before):
            log.error("%s is too slow, or closed: %d events that were to go there are lost", self._name, dropped)

    def _make_room(self) -> None:
        while len(self._waiting) > self._room:
            self._waiting.popleft()
            self._dropped += 1

    def close(self) -> None:
        """End the thread when what was added is taken."""
        with self._changed:
            self._closed.set()
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait for the end, after `close`; return whether everything was taken. What was not is dropped and logged."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, seconds))
        with self._changed:
            left = len(self._waiting) + self._in_hand
            self._waiting.clear()
        if left:
            log.error("%s did not take %d events in time; they are lost", self._name, left)
        return not left

    def _run(self) -> None:
        while (thing := self._next()) is not None:
            self._quietly(self._take, *thing)

    def _next(self) -> tuple[T] | None:
        """Return the next thing once there is one, or None when all is taken and no more will come."""
        while True:
            with self._changed:
                self._in_hand = 0
                if self._waiting:
                    self._in_hand = 1
                    return (self._waiting.popleft(),)
                if self._closed.is_set():
                    return None
            pause = self._quietly(self._look)
            with self._changed:
                if not self._waiting and not self._closed.is_set():
                    self._changed.wait(pause)
            self._closed.wait(_REST)

    def _quietly(self, call: Callable[..., R], *args: T) -> R | None:
        try:
            return call(*args)
        except Exception:
            log.exception("%s failed", self._name)
            return None
