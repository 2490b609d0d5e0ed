"""A type of event sink that puts events on a shelf of the test's own; and one that breaks, and one that hangs.

A stack's environment names the shelf: `{type: test-shelf, shelf: <name>}`. `plugin_packages` gives the types to an
engine in the same process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from engine.plugin import EventSink
from engine.schema.properties import PropertyGroup, PropertyValues, string
from kit.bench import PATIENCE

_SHELVES: Final[dict[str, Shelf]] = {}


@dataclass
class Shelf:
    """What a sink has taken."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)  # sinks that hang wait for it
    _news: threading.Condition = field(default_factory=threading.Condition)

    def put(self, event: Mapping[str, Any]) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    @property
    def lines(self) -> list[str]:
        """Return the events as `name ACTION_STATUS`."""
        told = [event["payload"] for event in self.events]
        return [f"{one['resource_name']} {one['resource_action']}_{one['resource_status']}" for one in told]

    def until(self, line: str, times: int = 1) -> list[str]:
        """Return the lines, once there is this one so many times."""
        with self._news:
            came = self._news.wait_for(lambda: self.lines.count(line) >= times, PATIENCE)

        assert came, f"no {line} in {self.lines}"
        return self.lines


@contextmanager
def shelf(name: str) -> Iterator[Shelf]:
    """Yield a shelf that sinks find by this name."""
    _SHELVES[name] = Shelf()
    try:
        yield _SHELVES[name]
    finally:
        _SHELVES.pop(name).gate.set()


class _OnShelf(EventSink):
    class Arguments(PropertyGroup):
        """Which shelf."""

        shelf = string("The name of the shelf.", required=True)

    @property
    def shelf(self) -> Shelf:
        return _SHELVES[self.arguments.shelf]


class ShelfSink(_OnShelf):
    """Puts events on the shelf."""

    type_name = "test-shelf"

    def consume(self, event: Mapping[str, Any]) -> None:
        self.shelf.put(event)


class BrokenSink(_OnShelf):
    """Puts events on the shelf, and raises."""

    type_name = "test-broken"

    def consume(self, event: Mapping[str, Any]) -> None:
        self.shelf.put(event)
        raise RuntimeError("the shelf breaks down")


class HangingSink(_OnShelf):
    """Puts an event on the shelf, and then waits at its gate."""

    type_name = "test-hanging"

    def consume(self, event: Mapping[str, Any]) -> None:
        self.shelf.put(event)
        self.shelf.gate.wait(PATIENCE)


class LateSink(_OnShelf):
    """Waits at the gate of its shelf while it is made."""

    type_name = "test-late"

    def __init__(self, arguments: PropertyValues) -> None:
        super().__init__(arguments)
        self.shelf.gate.wait(PATIENCE)

    def consume(self, event: Mapping[str, Any]) -> None:
        self.shelf.put(event)


class UnmadeSink(EventSink):
    """Can't be made."""

    type_name = "test-unmade"

    def __init__(self, arguments: PropertyValues) -> None:
        raise RuntimeError("there is no such shop")
