"""One thread, its inbox and its timers: all walking state is owned here, so none of it needs a lock.

The conductor, the pool and the thread groups run on one loop. Other threads `post` a call; it runs on the loop's
thread in the order of posting. A call must be short and must not wait for anything.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.runtime.clock import Clock

log = logging.getLogger(__name__)

_Call = tuple[Callable[..., object], tuple[Any, ...]]


@dataclass(order=True, slots=True)
class Timer:
    """A call that is due at a moment; `cancel` makes it nothing."""

    due: float  # seconds, by the loop's clock
    number: int  # keeps equal moments in the order of asking
    call: _Call | None = field(compare=False)  # None: cancelled, or made already

    def cancel(self) -> None:
        """Forget the call; a call that was made already is not undone."""
        self.call = None


class Loop:
    """Runs posted calls and due timers on one thread."""

    def __init__(self, clock: Clock, name: str = "conductor") -> None:
        self._clock = clock
        self._inbox: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Run what was posted before, then end the thread and wait for it; timers that are not due are dropped."""
        self._inbox.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def post(self, call: Callable[..., object], *args: Any) -> None:
        """Run the call soon, on the loop's thread. May be called from any thread."""
        self._inbox.put((call, args))

    def now(self) -> float:
        """Return the seconds on the loop's clock, as timers count them. May be called from any thread."""
        return self._clock.monotonic()

    def after(self, seconds: float, call: Callable[..., object], *args: Any) -> Timer:
        """Run the call when the seconds have passed. Only from the loop's own thread."""
        timer = Timer(self._clock.monotonic() + seconds, next(self._numbers), (call, args))
        heapq.heappush(self._timers, timer)
        return timer

    def wake(self) -> None:
        """Look at the clock again: a fake clock calls this when it was moved."""
        self.post(_nothing)

    def _run(self) -> None:
        while True:
            try:
                call = self._inbox.get(timeout=self._until_next_timer())
            except queue.Empty:
                call = (_nothing, ())
            if call is None:
                return
            _make(call)
            self._make_due_calls()

    def _until_next_timer(self) -> float | None:
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0].due - self._clock.monotonic())

    def _make_due_calls(self) -> None:
        while self._timers and self._timers[0].due <= self._clock.monotonic():
            timer = heapq.heappop(self._timers)
            call, timer.call = timer.call, None
            if call is not None:
                _make(call)


def _nothing() -> None:
    """Do nothing: the loop only had to look at its timers."""


def _make(call: _Call) -> None:
    """Make one call; an exception is a bug in the engine, is logged, and must not end every walk of this process."""
    function, args = call
    try:
        function(*args)
    except Exception:
        log.exception("a call on the loop failed: %r", function)
