"""The visits of one course that are in the air: handed to the pool, waiting for a time, or for another to land.

A visit of a walk that was superseded finishes and is recorded. Until it has landed, visits of the newer walk to the
same resource are held; everything else goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from engine.model.ids import StackId
from engine.plan.visits import Visit
from engine.runtime.jobs import Job, Lost, Visited
from engine.runtime.loop import Loop, Timer
from engine.runtime.pool import Pool
from engine.runtime.walk import Walk

T = TypeVar("T")

Landed = Callable[[Walk, str, Visited], None]  # the walk that a visit is of, the resource it went to, how it ended


class Visits(Protocol):
    """What runs in the pool for a visit."""

    def visit(self, job: Job) -> Visited:
        """Make one visit; never raises."""

    def abandon(self, job: Job) -> Visited:
        """Fail a visit whose call hangs, so that whatever the call still does is recorded nowhere."""


@dataclass(frozen=True, slots=True, eq=False)
class _Flight:
    """A visit that a thread is making, or will make as soon as one is free."""

    walk: Walk
    job: Job
    name: str  # of the resource; "": it goes to none


class Flights:
    """The visits of one stack in the air. Only the loop's thread calls it; `_make` alone runs in the pool."""

    def __init__(self, loop: Loop, pool: Pool, stack_id: StackId, *, visits: Visits, landed: Landed) -> None:
        self._loop = loop
        self._pool = pool
        self._stack_id = stack_id
        self._visits = visits
        self._landed = landed
        self._aloft: set[_Flight] = set()
        self._busy: set[str] = set()  # resources to which a walk before this one still has a visit in the air
        self._held: defaultdict[str, list[Visit]] = defaultdict(list)  # visits that wait for those
        self._timers: dict[Visit, Timer] = {}
        self._woken: set[str] = set()  # resources with a visit in the air that should not wait when it has landed

    @property
    def are_over(self) -> bool:
        """Return whether nothing is in the air, of this walk or of one before it."""
        return not self._aloft

    def set_out(self) -> None:
        """Begin with the visits of a newer walk: whatever is in the air now is of one before it."""
        self._held.clear()
        self._woken.clear()
        self._busy = {flight.name for flight in self._aloft}

    def send(self, walk: Walk, visits: Iterable[Visit], *, is_woken: bool = False) -> None:
        """Make visits of the newest walk, as soon as their resource and a thread are free."""
        if walk.is_halted:
            return
        for visit in visits:
            self._timers.pop(visit, None)
            name = walk.name_of(visit)
            if name and name in self._busy:
                self._held[name].append(visit)
                continue
            flight = _Flight(walk, walk.job(visit, is_woken=is_woken), name)
            self._aloft.add(flight)
            self._pool.submit(self._stack_id, partial(self._make, flight), partial(self._hung, flight))

    def send_later(self, walk: Walk, visit: Visit, seconds: float) -> None:
        """Make a visit again after a time; at once if what it waits for happened while it was in the air."""
        name = walk.name_of(visit)
        if name in self._woken:
            self._woken.discard(name)
            self.send(walk, (visit,), is_woken=True)
        else:
            self._timers[visit] = self._loop.after(seconds, self.send, walk, (visit,))

    def send_early(self, walk: Walk, name: str) -> None:
        """Make the visits to a resource now that wait for a time, or are about to."""
        if any(flight.name == name and flight.walk is walk for flight in self._aloft):
            self._woken.add(name)
        for visit in [visit for visit in self._timers if walk.name_of(visit) == name]:
            self._timers[visit].cancel()
            self.send(walk, (visit,), is_woken=True)

    def halt(self, walk: Walk) -> None:
        """Start nothing more of a walk; what threads are at finishes."""
        walk.is_halted = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def freed(self, name: str) -> list[Visit]:
        """Return the visits of the newest walk that may be made, now that one before them has landed."""
        if name not in self._busy or any(flight.name == name for flight in self._aloft):
            return []
        self._busy.discard(name)
        return self._held.pop(name, [])

    def _make(self, flight: _Flight) -> None:
        """Make a visit, in a pool thread; once its walk is halted, those that have not started do nothing."""
        job = flight.job
        visited = Visited(job.visit, Lost()) if flight.walk.is_halted else self._visits.visit(job)
        self._loop.post(self._land, flight, visited)

    def _hung(self, flight: _Flight) -> None:
        """Fail a visit whose call does not return; if it ever does, nobody listens, and it begins nothing more."""
        flight.job.leash.is_cut = True

        def given_up(visited: Visited | None, _: Exception | None) -> None:
            self._land(flight, visited or Visited(flight.job.visit, Lost()))

        in_pool(self._loop, self._pool, self._stack_id, work=partial(self._visits.abandon, flight.job), then=given_up)

    def _land(self, flight: _Flight, visited: Visited) -> None:
        if flight in self._aloft:  # else it was given up for hanging, and has come back after all
            self._aloft.remove(flight)
            self._landed(flight.walk, flight.name, visited)


def in_pool(
    loop: Loop,
    pool: Pool,
    group: StackId,
    *,
    work: Callable[[], T],
    then: Callable[[T | None, Exception | None], None],
) -> None:
    """Run the work in the pool, then call `then(result, error)` on the loop; one of the two is None."""

    def task() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  the error is the answer
            loop.post(then, None, error)
        else:
            loop.post(then, result, None)

    pool.submit(group, task)
