"""Calls that are made again and again, with a pause after each: made in the pool, timed by the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

from engine.runtime.loop import Loop, Timer

log = logging.getLogger(__name__)

Submit = Callable[[Callable[[], object]], None]


class Periodic:
    """One such call. `start` and `stop` belong to the loop's thread."""

    def __init__(self, loop: Loop, submit: Submit, interval: float, work: Callable[[], object]) -> None:
        """Make it; `submit` hands work to the pool, `interval` is the pause in seconds."""
        self._loop = loop
        self._submit = submit
        self._interval = interval
        self._work = work
        self._next: Timer | None = None
        self._stopped = False

    def start(self) -> None:
        """Make the call now, and again when the pause after it is over."""
        if not self._stopped:
            self._submit(self._call)

    def stop(self) -> None:
        """Make no further call; one that is being made goes on to its end."""
        self._stopped = True
        if self._next is not None:
            self._next.cancel()

    def _call(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("a periodic call failed: %r", self._work)
        self._loop.post(self._again)

    def _again(self) -> None:
        if not self._stopped:
            self._next = self._loop.after(self._interval, self.start)
