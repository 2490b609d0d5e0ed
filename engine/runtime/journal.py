"""Group commit: the steps of many visits in one transaction, each durable before its visit goes on.

Pool threads hand in steps and wait; one thread commits whatever has queued up meanwhile, so that under load a hundred
steps share one flush to disk and an idle engine adds no delay.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from engine.store import database, walks

MOST_STEPS = 256  # in one transaction: keeps the wait of the first step short


@dataclass(frozen=True, slots=True)
class _Entry:
    steps: Sequence[walks.Step]
    landed: Future[list[bool]] = field(default_factory=Future)


class Journal:
    """Commits the steps of walks, many at a time."""

    def __init__(self, db: database.Database) -> None:
        self._db = db
        self._inbox: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what was handed in before, then end the thread and wait for it."""
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def commit(self, *steps: walks.Step) -> bool:
        """Return whether all the steps have landed, once they are durable; False: fenced out or superseded.

        Raise what the database raises if nothing could be written.
        """
        entry = _Entry(steps)
        self._inbox.put(entry)
        return all(entry.landed.result())

    def _run(self) -> None:
        while (first := self._inbox.get()) is not None:
            batch = [first, *self._queued_up(len(first.steps))]
            stop = batch[-1] is None
            self._write([entry for entry in batch if entry is not None])
            if stop:
                return

    def _queued_up(self, count: int) -> Iterator[_Entry | None]:
        while count < MOST_STEPS:
            try:
                entry = self._inbox.get_nowait()
            except queue.Empty:
                return
            yield entry
            if entry is None:
                return
            count += len(entry.steps)

    def _write(self, batch: Sequence[_Entry]) -> None:
        steps = [step for entry in batch for step in entry.steps]
        try:
            landed = database.retrying(self._db, lambda tx: walks.apply(tx, steps))
        except Exception as error:  # noqa: BLE001  the error is the answer
            for entry in batch:
                entry.landed.set_exception(error)
            return
        results = iter(landed)
        for entry in batch:
            entry.landed.set_result([next(results) for _ in entry.steps])
