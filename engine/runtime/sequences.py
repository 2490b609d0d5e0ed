"""The events of each stack in their order, whoever was first to tell of them. No thread and no clock of its own.

Two threads that commit for one stack may publish in the other order. Events are numbered without a gap for each stack,
so one that is too early can wait for those before it: for a moment only, because they may never come. Another engine
may have committed them, or a backlog dropped them. Used by `outlets`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.model.ids import StackId
from engine.model.records import EventRecord

_STACKS: Final = 10_000  # whose last number is remembered
_MOST_WAITING: Final = 1_000  # events of a stack; if as many are too early, those before them have not been overtaken


@dataclass(frozen=True, slots=True)
class Turn:
    """An event whose turn it is."""

    event: EventRecord
    follows: bool  # False: of the stack, something may have been missed


@dataclass(frozen=True, slots=True)
class _Early:
    since: float
    events: tuple[EventRecord, ...]  # in their order


class Sequences:
    """Holds early events back. Used by one thread."""

    def __init__(self, patience: float) -> None:
        """Wait so many seconds for what is missing."""
        self._patience = patience
        self._last: dict[StackId, int] = {}
        self._early: dict[StackId, _Early] = {}

    def arrived(self, event: EventRecord, now: float) -> list[Turn]:
        """Return the events whose turn it is now that this one has come."""
        early = self._early.pop(event.stack_id, None)
        if early is None:
            return self._in_turn([event], since=now)
        events = sorted((*early.events, event), key=lambda one: one.sequence)
        if len(events) > _MOST_WAITING:
            return self._all_of(events)
        return self._in_turn(events, since=early.since)

    def overdue(self, now: float) -> list[Turn]:
        """Return the events that have waited long enough."""
        late = [stack_id for stack_id, early in self._early.items() if early.since + self._patience <= now]
        return [turn for stack_id in late for turn in self._all_of(self._early.pop(stack_id).events)]

    def rest(self) -> list[Turn]:
        """Return all events that wait: nothing more will come."""
        return self.overdue(float("inf"))

    def due(self) -> float | None:
        """Return when the next events will have waited long enough; None: none wait."""
        if not self._early:
            return None
        return self._patience + min(early.since for early in self._early.values())

    def _in_turn(self, events: list[EventRecord], since: float) -> list[Turn]:
        """Return the first of the events, as far as they follow, and hold the others back."""
        turns: list[Turn] = []
        for event in events:
            last = self._last.get(event.stack_id)
            if last is not None and event.sequence > last + 1:
                self._early[event.stack_id] = _Early(since, tuple(events[len(turns) :]))
                break
            turns.append(self._told(event))
        return turns

    def _all_of(self, events: Iterable[EventRecord]) -> list[Turn]:
        return [self._told(event) for event in events]

    def _told(self, event: EventRecord) -> Turn:
        last = self._last.pop(event.stack_id, 0)  # out and in again: the first is the one not heard of for longest
        self._last[event.stack_id] = max(last, event.sequence)
        if len(self._last) > _STACKS:
            del self._last[next(iter(self._last))]
        return Turn(event, follows=event.sequence == last + 1)
