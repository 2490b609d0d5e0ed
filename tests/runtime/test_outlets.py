"""The outlets: what is committed reaches notifiers and sinks, in order, and none of them is in the way of another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy import event as listening
from sqlalchemy.exc import OperationalError

from engine import resources as built_in
from engine.model.records import STACK_TYPE, EventRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import registry as registries
from engine.runtime.bus import Bus
from engine.runtime.outlets import Bounds, Outlets
from engine.store import events, stacks, templates
from engine.store.database import Database
from kit import databases, shelves, stored
from kit.bench import PATIENCE
from kit.shelves import Shelf

REGISTRY = registries.discover(built_in, shelves)
BEGUN, DONE, BROKEN = Status.IN_PROGRESS, Status.COMPLETE, Status.FAILED


@dataclass
class Told:
    """A notifier that remembers, and one that breaks or hangs if a test wants that."""

    types: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    breaks: bool = False
    gate: threading.Event | None = None

    def notify(self, event_type: str, body: Mapping[str, Any], *, is_error: bool) -> None:
        self.types.append(event_type + ("!" if is_error else ""))
        self.bodies.append(body)
        if self.gate is not None:
            self.gate.wait(PATIENCE)
        if self.breaks:
            raise RuntimeError("nobody answers")


@dataclass
class Ground:
    """A database whose events go to outlets, and a shelf `a`."""

    db: Database
    told: Told
    shelf: Shelf
    outlets: Outlets

    def stack(self, *sinks: Mapping[str, Any], **changes: Any) -> StackRecord:
        """Store a stack whose environment names sinks."""
        definition = stored.definition(environment={"event_sinks": list(sinks)} if sinks else {})
        with self.db.write() as tx:
            templates.save(tx, definition)
            return stored.inserted(tx, definition_id=definition.id, **changes)

    def tell(self, owner: StackRecord, *names: str) -> list[EventRecord]:
        """Store events of resources in one transaction."""
        with self.db.write() as tx:
            return [events.append(tx, stored.event(owner, name)) for name in names]

    def change(self, owner: StackRecord, action: Action, status: Status, **changes: Any) -> StackRecord:
        """Store another state of a stack, with its event."""
        changed = replace(owner, action=action, status=status, **changes)
        with self.db.write() as tx:
            assert stacks.begin(tx, changed, expected=owner.traversal)
            events.append(tx, stored.event(changed, action=action, status=status))
        return changed


def on(shelf: str, type_: str = "test-shelf") -> Mapping[str, Any]:
    return {"type": type_, "shelf": shelf}


@contextmanager
def opened(folder: Path, bounds: Bounds) -> Iterator[Ground]:
    bus, told = Bus(), Told()
    with (
        shelves.shelf("a") as shelf,
        databases.opened(databases.sqlite(folder), published=bus.publish) as db,
        ExitStack() as after,
    ):
        outlets = Outlets(db, REGISTRY, {"told": told}, bounds=bounds)
        outlets.start(bus)
        after.callback(outlets.stop)
        yield Ground(db, told, shelf, outlets)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with opened(tmp_path, Bounds(patience=3600.0, retry=0.01)) as ground:  # what is early waits until the end
        yield ground


def looks_a_stack_up(statement: str) -> bool:
    return statement.startswith("SELECT stack.id, stack.name")


def names(shelf: Shelf) -> list[str]:
    """Return what the events on a shelf are about."""
    return [event["payload"]["resource_name"] for event in shelf.events]


def test_the_sinks_of_a_stack_get_its_events_in_order_and_no_other_stack_s(ground: Ground) -> None:
    mine, other = ground.stack(on("a")), ground.stack()
    ground.tell(mine, "one", "two")
    ground.tell(other, "not mine")
    ground.tell(mine, "three")
    ground.outlets.stop()

    assert names(ground.shelf) == ["one", "two", "three"]


def test_an_event_is_told_with_all_that_sinks_need(ground: Ground) -> None:
    mine = ground.stack(on("a"))
    (event,) = ground.tell(mine, "one")
    ground.outlets.stop()

    (told,) = ground.shelf.events
    assert (told["id"], told["type"], told["payload"]["stack_id"]) == (event.id, "os.heat.event", mine.id)


def test_what_is_published_too_early_waits_for_what_comes_before_it(ground: Ground) -> None:
    mine = ground.stack(on("a"))
    first, second, third = (replace(stored.event(mine, name), sequence=n) for n, name in enumerate("abc", 1))
    for batch in ([first], [third], [second]):
        ground.outlets.note(batch)
    ground.outlets.stop()

    assert names(ground.shelf) == ["a", "b", "c"]


def test_what_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    with opened(tmp_path, Bounds(patience=0.01)) as ground:
        mine = ground.stack(on("a"))
        ground.outlets.note([replace(stored.event(mine, name), sequence=n) for n, name in ((1, "a"), (3, "c"))])
        ground.shelf.until("c CREATE_IN_PROGRESS")

        assert names(ground.shelf) == ["a", "c"]


def test_a_stack_that_begins_an_action_has_the_sinks_of_then(ground: Ground) -> None:
    mine = ground.stack(on("a"))
    with shelves.shelf("new") as new:
        ground.tell(mine, "one")
        ground.shelf.until("one CREATE_IN_PROGRESS")
        definition = stored.definition(environment={"event_sinks": [on("new")]})
        with ground.db.write() as tx:
            templates.save(tx, definition)
        updated = ground.change(mine, Action.UPDATE, BEGUN, definition_id=definition.id)
        ground.tell(updated, "two")
        ground.outlets.stop()

        assert names(ground.shelf) == ["one"]
        assert names(new) == [mine.name, "two"]


def test_a_rollback_is_told_to_the_sinks_of_where_it_leads(ground: Ground) -> None:
    before = ground.stack(on("a"))
    mine = ground.stack(complete_definition_id=before.definition_id)
    ground.change(mine, Action.ROLLBACK, BEGUN)
    ground.outlets.stop()

    assert names(ground.shelf) == [mine.name]


def test_events_that_were_missed_may_have_begun_an_action(ground: Ground) -> None:
    with shelves.shelf("before") as before:
        mine = ground.stack(on("before"))
        ground.tell(mine, "one")
        before.until("one CREATE_IN_PROGRESS")
        definition = stored.definition(environment={"event_sinks": [on("a")]})
        with ground.db.write() as tx:
            templates.save(tx, definition)
            assert stacks.begin(tx, replace(mine, definition_id=definition.id), expected=mine.traversal)
        ground.outlets.note([replace(stored.event(mine, "nine"), sequence=9)])
        ground.outlets.stop()

        assert names(before) == ["one"]
        assert names(ground.shelf) == ["nine"]


def test_a_stack_without_sinks_is_looked_up_once_for_an_action(ground: Ground) -> None:
    mine = ground.stack(status=DONE)
    with databases.statements(ground.db) as seen:
        begun = ground.change(mine, Action.UPDATE, BEGUN)
        ground.tell(begun, *(f"r{number}" for number in range(50)))
        ground.outlets.stop()

    assert len([statement for statement in seen if looks_a_stack_up(statement)]) == 1
    assert len([statement for statement in seen if "FROM definition" in statement]) == 1


def test_notifiers_are_told_of_the_states_of_stacks_and_of_nothing_else(ground: Ground) -> None:
    mine = ground.stack(status=DONE, username="ada")
    begun = ground.change(mine, Action.UPDATE, BEGUN, description="better")
    ground.tell(begun, "web")
    with ground.db.write() as tx:
        remote = replace(stored.event(begun, "remote", resource_id="r"), resource_type=STACK_TYPE)
        events.append(tx, remote)
    ground.change(begun, Action.UPDATE, BROKEN)
    ground.outlets.stop()

    assert ground.told.types == ["orchestration.stack.update.start", "orchestration.stack.update.error!"]
    assert [(body["state"], body["username"], body["description"]) for body in ground.told.bodies] == [
        ("UPDATE_IN_PROGRESS", "ada", "better"),
        ("UPDATE_FAILED", "ada", "better"),
    ]


def test_a_deleted_stack_is_told_to_its_end(ground: Ground) -> None:
    mine = ground.stack(on("a"), action=Action.DELETE, status=DONE, deleted_time=stored.at(9))
    with ground.db.write() as tx:
        for status in (BEGUN, DONE):
            events.append(tx, stored.event(mine, action=Action.DELETE, status=status))
    ground.outlets.stop()

    assert ground.shelf.lines == [f"{mine.name} DELETE_IN_PROGRESS", f"{mine.name} DELETE_COMPLETE"]
    assert ground.told.types == ["orchestration.stack.delete.start", "orchestration.stack.delete.end"]


def test_what_one_taker_raises_stops_neither_others_nor_later_events(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.told.breaks = True
    with shelves.shelf("broken") as broken:
        mine = ground.stack(
            {"type": "gone"}, {"type": "test-unmade"}, on("broken", "test-broken"), on("nowhere"), on("a"), status=DONE
        )
        begun = ground.change(mine, Action.UPDATE, BEGUN)
        ground.tell(begun, "two")
        ground.change(begun, Action.UPDATE, DONE)
        ground.outlets.stop()

        assert names(ground.shelf) == names(broken) == [mine.name, "two", mine.name]
    assert len(ground.told.types) == 2
    for text in ("there is no event sink gone any more", "there is no such shop", "the shelf breaks down"):
        assert text in caplog.text
    assert "the notifier told failed" in caplog.text


def test_one_that_hangs_holds_up_no_other_and_is_given_up_at_the_end(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.told.gate = threading.Event()
    with shelves.shelf("stuck") as stuck:
        mine = ground.stack(on("stuck", "test-hanging"), on("a"), status=DONE)
        begun = ground.change(mine, Action.UPDATE, BEGUN)
        ground.tell(begun, "two", "three")

        assert ground.shelf.until("three CREATE_IN_PROGRESS")
        assert len(stuck.until(f"{mine.name} UPDATE_IN_PROGRESS")) == 1
        ground.outlets.stop(seconds=0.1)
        ground.told.gate.set()
    assert "the sink test-hanging did not take 3 events in time" in caplog.text
    assert "the notifier told did not take 1 events in time" in caplog.text


def test_one_that_hangs_while_it_is_made_holds_up_no_other(ground: Ground) -> None:
    with shelves.shelf("late") as late:
        mine = ground.stack(on("late", "test-late"), on("a"))
        ground.tell(mine, "one")
        ground.tell(mine, "two")
        ground.shelf.until("two CREATE_IN_PROGRESS")

        assert late.events == []
        late.gate.set()
        ground.outlets.stop()
        assert names(late) == ["one", "two"]


def test_more_than_there_is_room_for_is_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path, Bounds(room=2)) as ground, shelves.shelf("stuck") as stuck:
        mine = ground.stack(on("stuck", "test-hanging"), on("a"))
        ground.tell(mine, "r0")
        stuck.until("r0 CREATE_IN_PROGRESS")
        for number in range(1, 10):  # one by one, so that there is always room before it is known whose they are
            ground.tell(mine, f"r{number}")
            ground.shelf.until(f"r{number} CREATE_IN_PROGRESS")
        stuck.gate.set()
        ground.outlets.stop()

        assert names(stuck) == ["r0", "r8", "r9"]
    assert "the sink test-hanging is too slow" in caplog.text


def test_a_database_that_is_away_for_a_moment_loses_no_event(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    away = [True]

    def refuse(_: Connection, __: object, statement: str, *___: object) -> None:
        if away and looks_a_stack_up(statement):
            away.clear()
            raise OperationalError(statement, None, Exception("the database is away"))

    mine = ground.stack(on("a"))
    listening.listen(ground.db.engine, "before_cursor_execute", refuse)
    ground.tell(mine, "one", "two")
    ground.outlets.stop()

    assert names(ground.shelf) == ["one", "two"]
    assert "events are not handed over for now" in caplog.text


def test_a_stack_that_is_purged_is_told_to_nobody_and_that_is_logged(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ghost = stored.event(stored.stack(), sequence=1)
    mine = ground.stack(on("a"))
    ground.outlets.note([ghost])
    ground.tell(mine, "one")
    ground.outlets.stop()

    assert f"event {ghost.id} of stack {ghost.stack_id} could not be handed over" in caplog.text
    assert names(ground.shelf) == ["one"]


def test_outlets_that_were_never_started_can_be_stopped(tmp_path: Path) -> None:
    with databases.opened(databases.sqlite(tmp_path)) as db:
        outlets = Outlets(db, REGISTRY, {"told": Told()})
        outlets.stop()

        assert not any(thread.name == "outlets" for thread in threading.enumerate())


def test_stop_may_be_called_again(ground: Ground) -> None:
    mine = ground.stack(on("a"))
    ground.tell(mine, "one")
    ground.outlets.stop()
    ground.outlets.stop()

    assert names(ground.shelf) == ["one"]


def test_a_sink_that_is_named_twice_is_told_twice(ground: Ground) -> None:
    mine = ground.stack(on("a"), on("a"))
    wanted = [f"r{number}" for number in range(100)]
    for name in wanted:
        ground.tell(mine, name)
    ground.outlets.stop()

    assert names(ground.shelf) == [name for name in wanted for _ in range(2)]
