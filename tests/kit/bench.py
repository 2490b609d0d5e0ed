"""A resource type that does what a test tells it to, and a ledger of what it built "for real".

`Test::Thing` asks the bench of its engine room what to do with each call: go on, fail, wait, hang, want a replacement.
The ledger is what a provider would know: it survives an engine, and sees what rows may have forgotten or built twice.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from engine.model.states import Action
from engine.plugin import Context, Done, Observed, Outcome, Poll, Replace, ResourceFailed, ResourceType
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import OnChange, PropertyGroup, number, string

PATIENCE = 30  # seconds until a test that waits gives up
CREATE, UPDATE, DELETE = Action.CREATE, Action.UPDATE, Action.DELETE


class Bench:
    """What things are told to do, by action and name, and what became of them. Used from many threads."""

    def __init__(self) -> None:
        self.fails: set[tuple[Action, str]] = set()
        self.breaks: set[tuple[Action, str]] = set()  # raises what no plugin should
        self.waits: set[tuple[Action, str]] = set()  # until it is taken out again
        self.hangs: set[tuple[Action, str]] = set()  # holds its thread until `let_go`
        self.replaces: set[str] = set()
        self.calls: list[tuple[Action, str]] = []
        self.built: dict[str, str] = {}  # the ledger: idempotency token → name, of what exists
        self.creations: Counter[str] = Counter()  # by token; more than 1 was built twice
        self.outside: set[str] = set()  # ids of things that others have built
        self.really: dict[str, Observed] = {}  # by name: what is really there, if somebody looks
        self.saved: dict[str, str] = {}  # by physical id: what snapshots hold
        self.together = 0  # creates wait until so many wait at the same time; 0: they don't
        self.threads_then: list[threading.Thread] = []  # all there were at the moment that the last of them came
        self.heard: Callable[[], object] = lambda: None  # is called after each call has come
        self._let_go = threading.Event()
        self._changed = threading.Condition()
        self._waiting: set[str] = set()

    def act(self, ctx: Context) -> Outcome:
        """Do one call of a thing."""
        what = (ctx.action, ctx.name)
        with self._changed:
            self.calls.append(what)
            self._changed.notify_all()
            let_go = self._let_go if what in self.hangs else None
        self.heard()
        if let_go is not None:
            let_go.wait(PATIENCE)
        if what in self.fails:
            raise ResourceFailed(f"{ctx.name} was told to fail")
        if what in self.breaks:
            raise KeyError("a bug in a plugin")
        if what in self.waits or self._gathers(ctx):
            physical_id = ctx.physical_name() if ctx.action is CREATE else None
            after = 0 if ctx.token is None else ctx.properties.after  # the second look comes at once, by any clock
            return Poll(after=after, token={"calls": self.count(*what)}, physical_id=physical_id)
        return self._done(ctx)

    def count(self, action: Action, name: str) -> int:
        """Return how many calls there were."""
        with self._changed:
            return self.calls.count((action, name))

    def until_called(self, action: Action, name: str, times: int = 1) -> None:
        """Wait until there were so many calls; from the second on, the answer of the first has been recorded."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.calls.count((action, name)) >= times, PATIENCE)

        assert came, f"{action} of {name} was called {self.calls.count((action, name))} times, not {times}"

    def forget_saved(self, name: str, key: str | None) -> None:
        """Take away what a snapshot holds."""
        with self._changed:
            self.calls.append((Action.DELETE, f"snapshot of {name}"))
        if (Action.DELETE, f"snapshot of {name}") in self.fails:
            raise ResourceFailed(f"the snapshot of {name} was told to stay")
        self.saved.pop(key or "", None)

    def let_go(self) -> None:
        """Let every call that hangs go on; none hangs any more until it is told to again."""
        with self._changed:
            self.hangs.clear()
            self._let_go.set()
            self._let_go = threading.Event()

    def _gathers(self, ctx: Context) -> bool:
        """Return whether the call has to wait for others still to come."""
        if not self.together or ctx.action is not CREATE:
            return False
        with self._changed:
            before = len(self._waiting)
            self._waiting.add(ctx.name)
            if before < len(self._waiting) == self.together:
                self.threads_then = threading.enumerate()
            return len(self._waiting) < self.together

    def _done(self, ctx: Context) -> Outcome:
        token = ctx.idempotency_token
        if ctx.action is DELETE:
            if ctx.physical_id is not None:  # nobody can take away what he can't name
                self.built.pop(token, None)
            return Done()
        if ctx.action not in (CREATE, UPDATE):
            return Done()
        if ctx.action is UPDATE and ctx.name in self.replaces:
            return Replace("it was told to")
        if ctx.action is CREATE:
            self.creations[token] += ctx.token is None or token not in self.built  # a poll may come again
            self.built[token] = ctx.name
        return Done(physical_id=ctx.physical_name(), data={"value": ctx.properties.value})


class Thing(ResourceType):
    """Does what the bench says."""

    type_name = "Test::Thing"
    builds_outside = True
    snapshots_on_delete = True

    class Properties(PropertyGroup):
        """One that changes in place, one that does not."""

        value = string("Changes in place.", default="", on_change=OnChange.UPDATE)
        fixed = string("A change replaces.", default="")
        forever = string("It may never change.", default="", on_change=OnChange.REFUSE)
        after = number("Seconds between the later looks of a wait.", default=0.01, on_change=OnChange.UPDATE)

    class Attributes(AttributeGroup):
        """One that can be read, one that can't."""

        value = attribute("What was applied last.")
        broken = attribute("Raises.")

    def create(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def update(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def delete(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def poll(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def check(self, ctx: Context) -> Outcome:
        if ctx.idempotency_token in _bench(ctx).built:
            return _bench(ctx).act(ctx)
        if ctx.physical_id in _bench(ctx).outside:
            return Done(data={"value": "found"})
        raise ResourceFailed(f"there is no thing {ctx.physical_id}")

    def suspend(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def resume(self, ctx: Context) -> Outcome:
        return _bench(ctx).act(ctx)

    def snapshot(self, ctx: Context) -> Outcome:
        outcome = _bench(ctx).act(ctx)
        if not isinstance(outcome, Done):
            return outcome
        _bench(ctx).saved[ctx.physical_name()] = ctx.properties.value
        return Done(data={"value": ctx.data.get("value"), "saved": ctx.physical_name()})

    def delete_snapshot(self, ctx: Context, saved: Mapping[str, Any]) -> None:
        _bench(ctx).forget_saved(ctx.name, saved.get("saved"))

    def restored(self, properties: Mapping[str, Any], saved: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**properties, "value": f"restored {saved.get('value')}"}

    def delete_keeping_snapshot(self, ctx: Context) -> Outcome:
        outcome = _bench(ctx).act(ctx)
        if isinstance(outcome, Done):
            _bench(ctx).saved[ctx.physical_name()] = ctx.properties.value
        return outcome

    def observe(self, ctx: Context) -> Observed | None:
        return _bench(ctx).really.get(ctx.name)

    def find(self, ctx: Context) -> Outcome | None:
        there = ctx.idempotency_token in _bench(ctx).built
        return Done(physical_id=ctx.physical_name(), data={"value": ctx.properties.value}) if there else None

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        if name == "broken":
            raise RuntimeError("this attribute can't be read")
        return ctx.data.get("value")


def _bench(ctx: Context) -> Bench:
    bench: Bench = ctx.ports["bench"]
    return bench
