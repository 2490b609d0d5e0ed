"""Breakpoints as tests meet them: declared, stood at, let go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.model.records import ResourceRecord
from engine.store import walks
from kit.engine_room import EngineRoom


def stops(names: str, hooks: Iterable[str]) -> str:
    """Return an environment in which these resources stop; `box/deep` is one in what `box` stands for."""
    within = f"{{hooks: [{', '.join(hooks)}]}}"
    for name in reversed(names.split("/")):
        within = f"{{'{name}': {within}}}"
    return f"resource_registry: {{resources: {within}}}"


def paused(point: str) -> str:
    """Return how the event of a stop is told."""
    return f"{point.partition('-')[2].upper()} paused until Hook {point} is cleared"


def stand(room: EngineRoom, stack_id: str, name: str, point: str) -> ResourceRecord:
    """Wait until a resource stands at a breakpoint, and return its row."""
    room.news.reason(name, paused(point))
    rows = [row for row in room.rows(stack_id) if row.name == name and row.hook is not None]
    (row,) = [row for row in rows if row.hook is not None and row.hook.point == point]
    return row


def let_go(room: EngineRoom, row: ResourceRecord) -> None:
    """Clear the breakpoint as a signal does: beside the walk."""
    assert row.hook is not None
    stack = room.stack(row.stack_id)
    changed = replace(row, hook=replace(row.hook, is_cleared=True))
    event = room.machinery.logbook.of_attempt(stack, row, row.state, f"Hook {row.hook.point} is cleared")
    with room.db.write() as tx:
        assert walks.amend(tx, changed, traversal=stack.traversal, event=event)
    room.machinery.traversals.wake(stack, row.name)


def stopped(room: EngineRoom) -> list[str]:
    """Return what has stopped by now, each as often as it did, without what has only been let go."""
    return [event.resource_name for event in room.news.events if " paused until Hook " in event.reason]
