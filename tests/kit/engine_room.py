"""One engine without its gRPC: a real database file, the real machinery, the use cases of stacks.

Nothing here sleeps: `wait` and `event` look at what the database has published. Two rooms may share a folder, as two
engines share a database; one room may be stopped and started again on it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from engine import resources as built_in
from engine.model.ids import EngineId, StackId, StackIdentity
from engine.model.records import STACK_TYPE, Caller, EventRecord, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import LifecyclePlugin
from engine.plugin import registry as registries
from engine.runtime import machinery
from engine.runtime.bus import Bus
from engine.runtime.clock import SystemClock
from engine.runtime.declared import Declared, Outside
from engine.runtime.lifecycle import Lifecycle
from engine.runtime.machinery import Machinery, Settings, Surroundings
from engine.store import events, resources, stacks
from engine.store.crypto import Keys
from engine.store.database import Database
from engine.template import queries
from engine.template.source import Limits as TemplateLimits
from engine.template.target import Target
from engine.usecases import outputs
from engine.usecases.actions import Actions
from engine.usecases.beginnings import Beginning
from engine.usecases.commands import CreateStack, Given, Options, UpdateStack
from engine.usecases.definitions import Definitions
from engine.usecases.exports import Exports
from engine.usecases.limits import Limits
from engine.usecases.nested import Nesting
from engine.usecases.snapshots import Snapshots
from engine.usecases.stacks import Stacks
from kit import bench as bench_types
from kit import databases
from kit.bench import PATIENCE, Bench
from kit.clock import FakeClock

REGISTRY = registries.discover(built_in, bench_types)
SETTINGS, LIMITS = Settings(), Limits()
ME = Caller("default", user="me")
HOT = "heat_template_version: 2018-08-31\n"

Resources = Mapping[str, Mapping[str, Any]]


class Neighbours:
    """The other engines, as a test wants them: those named are alive."""

    def __init__(self) -> None:
        self.alive: set[EngineId] = set()
        self.asked: list[EngineId] = []
        self.poked: list[tuple[EngineId, StackId]] = []

    def is_alive(self, engine_id: EngineId) -> bool:
        self.asked.append(engine_id)
        return engine_id in self.alive

    def poke(self, engine_id: EngineId, stack: StackRecord) -> None:
        self.poked.append((engine_id, stack.id))


class News:
    """What the database has published, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[EventRecord] = []
        self._changed = threading.Condition()
        self._last: dict[StackId, EventRecord] = {}  # of each stack itself; publishers may overtake each other

    def note(self, batch: Sequence[EventRecord]) -> None:
        with self._changed:
            self.events.extend(batch)
            for event in batch:
                last = self._last.get(event.stack_id)
                if event.resource_type == STACK_TYPE and (last is None or last.sequence < event.sequence):
                    self._last[event.stack_id] = event
            self._changed.notify_all()

    def until_settled(self, stack_id: StackId) -> bool:
        """Wait until the last that was told of the stack is an end; False: it took too long."""

        def is_settled() -> bool:
            last = self._last.get(stack_id)
            return last is not None and last.status is not Status.IN_PROGRESS

        with self._changed:
            return self._changed.wait_for(is_settled, PATIENCE)

    def until(self, holds: Callable[[Sequence[EventRecord]], bool]) -> bool:
        """Wait until this holds of all that was published; False: it took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self.events), PATIENCE)

    def look_again(self) -> None:
        """Have those that wait look again: something else has changed that they look at."""
        with self._changed:
            self._changed.notify_all()

    def event(self, name: str, state: str, times: int = 1) -> EventRecord:
        """Return the event that tells of this state of this name (a resource or a stack), once it is there."""

        def found() -> list[EventRecord]:
            return [one for one in self.events if (one.resource_name, f"{one.action}_{one.status}") == (name, state)]

        with self._changed:
            came = self._changed.wait_for(lambda: len(found()) >= times, PATIENCE)

            assert came, f"{name} never was {state}"
            return found()[times - 1]

    def reason(self, name: str, reason: str) -> EventRecord:
        """Return the event that tells this of this name, once it is there."""

        def found() -> list[EventRecord]:
            return [one for one in self.events if (one.resource_name, one.reason) == (name, reason)]

        with self._changed:
            came = self._changed.wait_for(found, PATIENCE)

            assert came, f"{name} never told: {reason}"
            return found()[0]


class EngineRoom:
    """An engine, and short words for what tests ask of it."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings = SETTINGS,
        clock: FakeClock | None = None,
        limits: Limits = LIMITS,
        bench: Bench | None = None,
        hidden_tags: Sequence[str] = (),
        template_limits: TemplateLimits | None = None,
        outside: Outside | None = None,
        plugins: Sequence[LifecyclePlugin] = (),
    ) -> None:
        self.url = f"sqlite:///{folder / 'isotherm.db'}"
        if not (folder / "isotherm.db").exists():
            databases.sqlite(folder)
        self.bench = bench or Bench()
        self.neighbours = Neighbours()
        self.clock = clock
        self.news = News()
        self._settings, self._limits, self._hidden_tags = settings, limits, hidden_tags
        self._template_limits = template_limits or TemplateLimits(
            max_resources=limits.max_resources_per_stack, max_nested_depth=limits.max_nested_stack_depth
        )
        self._outside = outside or Outside(queries=queries)  # yaql in process: no test of these needs a cage
        self._lifecycle = Lifecycle(plugins)
        self._running = False
        self._open()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bench.let_go()
        self.stop()

    def start(self) -> None:
        """Start the threads; before that, what is asked is stored and nobody walks."""
        self.machinery.start()
        self._running = True

    def stop(self) -> None:
        """Stop as an engine does, and close the database."""
        if self._running:
            _stop(self.machinery, self.clock)
            self._running = False
        self.db.close()

    def restart(self) -> None:
        """Stop, and start another engine on the same file; it walks on what was left."""
        self.stop()
        self._open()
        self.start()
        self.machinery.recovery.sweep()

    def create(self, name: str, template: str, **given: Any) -> StackIdentity:
        """Ask for a stack. Keywords are those of `Given` and `Options`."""
        return self.stacks.create(ME, CreateStack(name, *_split(template, given), **given))

    def update(self, identity: StackIdentity, template: str = "", **given: Any) -> StackIdentity:
        """Ask for an update. Keywords are those of `Given`, `Options` and `UpdateStack`."""
        return self.stacks.update(ME, UpdateStack(identity, *_split(template, given), **given))

    def delete(self, identity: StackIdentity) -> None:
        """Ask for a delete."""
        self.stacks.delete(ME, identity)

    def begin(self, identity: StackIdentity, action: Action, **changes: Any) -> StackRecord:
        """Have an action begun, with these fields of the stack changed; whether a caller might is not asked."""
        begins = Beginning(StackId(identity.stack_id), action, changed=lambda stack: replace(stack, **changes))
        return self.machinery.traversals.begin(lambda tx: begins.store(tx, self.machinery.logbook))

    def wait(self, identity: StackIdentity) -> StackRecord:
        """Return the stack once nothing is under way on it."""
        settled = self.news.until_settled(StackId(identity.stack_id))
        stack = self.stack(identity.stack_id)

        assert settled, (
            f"{stack.name} is still {stack.state}: {[(row.name, *row.state) for row in self.rows(stack.id)]}"
        )
        return stack

    def stack(self, stack_id: str) -> StackRecord:
        """Return the stack as it is stored."""
        with self.db.read() as tx:
            stack = stacks.get(tx, StackId(stack_id), show_deleted=True)

        assert stack is not None, f"there is no stack {stack_id}"
        return stack

    def rows(self, stack_id: str) -> list[ResourceRecord]:
        """Return all rows of a stack."""
        with self.db.read() as tx:
            return resources.of_stack(tx, StackId(stack_id))

    def row(self, identity: StackIdentity, name: str) -> ResourceRecord:
        """Return the one row of a name."""
        rows = [row for row in self.rows(identity.stack_id) if row.name == name]

        assert len(rows) == 1, f"{name} has {len(rows)} rows"
        return rows[0]

    def outputs(self, identity: StackIdentity) -> dict[str, Any]:
        """Return the values of the stack's outputs."""
        stack = self.stack(identity.stack_id)
        with self.db.read() as tx:
            target = self.machinery.declared.walked(tx, stack)
            rows = outputs.rows(tx, stack, target)
        return {one.key: one.value for one in outputs.resolved(target, rows)}

    def history(self, identity: StackIdentity) -> list[str]:
        """Return the events of a stack and what is nested in it, oldest first: "name STATE"."""
        with self.db.read() as tx:
            found = events.after(tx, root_id=StackId(identity.stack_id), position=0, limit=10_000)
        return [f"{one.resource_name} {one.action}_{one.status}" for one in found]

    def _open(self) -> None:
        bus = Bus()

        def published(batch: Sequence[EventRecord]) -> None:
            bus.publish(batch)
            self.news.note(batch)

        self.db = Database.open(self.url, Keys([databases.KEY]), published=published)
        declared = Declared(REGISTRY, self._template_limits, self._outside)
        engine_id, clock = EngineId(machinery.new_id()), self.clock or SystemClock()
        among = Surroundings(engine_id, bus, self.neighbours, self._ports, clock, self._lifecycle)
        self.machinery = machinery.assemble(self.db, declared, among, self._settings)
        if self.clock is not None:
            self.clock.wake = self.machinery.loop.wake
        begins = (self.machinery.traversals, self.machinery.logbook, machinery.new_id, self._limits)
        self.nesting = Nesting(self.db, declared, *begins)
        traversals, logbook, *rest = begins
        definitions = Definitions(machinery.new_id, declared.template)
        self.stacks = Stacks(self.db, declared, traversals, definitions, logbook, *rest, self._hidden_tags)
        self.actions = Actions(self.db, declared, traversals, logbook)
        self.snapshots = Snapshots(self.db, declared, traversals, logbook, self.machinery.removals, limits=self._limits)
        self.exports = Exports(self.db, traversals, logbook, self._limits)

    def _ports(self, stack: StackRecord, resource: ResourceRecord, target: Target) -> Mapping[str, Any]:
        return {"stacks": self.nesting.within(stack, resource, target), "bench": self.bench}


def hot(resources: Resources, **sections: Any) -> str:
    """Return a template of these resources: each is its properties, and with a `_` before it what else it says."""
    declared = {name: _declared(given) for name, given in resources.items()}
    parts = {"resources": declared, **sections}
    return HOT + "".join(f"{section}: {json.dumps(content)}\n" for section, content in parts.items())


def _stop(engine: Machinery, clock: FakeClock | None) -> None:
    """Stop an engine; one that looks until everything in flight has landed must not wait for time that stands still."""
    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    while clock is not None and stopping.is_alive():
        clock.advance(0.01)
        stopping.join(0.01)
    stopping.join()


def _declared(given: Mapping[str, Any]) -> dict[str, Any]:
    about = {name.removeprefix("_"): value for name, value in given.items() if name.startswith("_")}
    properties = {name: value for name, value in given.items() if not name.startswith("_")}
    return {"type": "Test::Thing", **about, "properties": properties}


def _split(template: str, given: dict[str, Any]) -> tuple[Given, Options]:
    """Take out of the keywords what belongs to the definition and to the options; the rest is the command's."""
    about: dict[type, dict[str, Any]] = {}
    for kind in (Given, Options):
        about[kind] = {name: given.pop(name) for name in list(given) if name in kind.__slots__}
    return Given(template, **about[Given]), Options(**about[Options])
