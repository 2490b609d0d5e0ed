"""Runs the actions of one resource type to their end, as the runtime does, on a clock that costs nothing.

One host is one resource of one stack. What a type answers goes through JSON on its way into the record, as it
does in the store, so a type that says what can't be stored fails here. `calls_left` lets the engine die.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from engine.model.ids import DefinitionId, ResourceId, StackId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import Context, Done, Outcome, Poll, Replace, ResourceType
from engine.schema import changes
from engine.schema.properties import PropertyValues, resolve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 1_000  # calls of one action; an action that needs more never ends


class NeverEnds(Exception):
    """An action has been polled more often than any should need."""


class Interrupted(Exception):
    """The engine died between two calls."""


class PropertiesRefused(Exception):
    """The schema or the type itself says no; the text has all problems."""


@dataclass
class PluginHost:
    """One resource, and what is remembered of it."""

    type: ResourceType
    name: str = "it"
    ports: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    template_file: str = ""
    seconds_left: float | None = None  # of the stack's timeout; runs down as the host waits
    waited: float = 0.0  # seconds on the host's clock
    calls: int = 0  # of the type, in the last action
    calls_left: int | None = None  # until the engine dies; None: it lives

    def __post_init__(self) -> None:
        self.record = ResourceRecord(
            id=ResourceId(str(uuid.uuid4())),
            stack_id=STACK.id,
            name=self.name,
            type=self.type.type_name,
            implementation=self.type.type_name,
            action=Action.INIT,
            status=Status.COMPLETE,
            reason="",
            created_time=NOW,
        )

    def create(self, **properties: Any) -> Outcome:
        """Create it; where an earlier create was interrupted, look for what that one has left first."""
        again = self.record.action is Action.CREATE
        ctx = self.begin(Action.CREATE, self.resolve(properties))
        found = self.type.find(ctx) if again else None
        return self._to_the_end(ctx, lambda: self.type.create(ctx) if found is None else found)

    def update(self, **properties: Any) -> Outcome:
        """Update it to these properties."""
        before, wanted = self.record.properties, self.resolve(properties)
        changed = changes.changed(before, wanted, self.type.Properties.schemas)
        ctx = replace(self.begin(Action.UPDATE, wanted), previous=PropertyValues(before), changed=changed)
        return self._to_the_end(ctx, lambda: self.type.update(ctx))

    def delete(self) -> Outcome:
        """Delete it."""
        return self.act(Action.DELETE)

    def act(self, action: Action) -> Outcome:
        """Run any action that keeps the properties."""
        ctx = self.begin(action, self.record.properties)
        return self._to_the_end(ctx, lambda: getattr(self.type, action.lower())(ctx))

    def attribute(self, name: str, *path: str | int) -> Any:
        """Return what an attribute yields now."""
        return self.type.attribute(self._context(self.record.action, self.record.properties), name, path)

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties as the type gets them, or raise `PropertiesRefused`."""
        if self.type.any_property:
            return dict(given)
        resolved = resolve(self.type.Properties.schemas, given)
        problems = [*resolved.problems] or [*self.type.validate(resolved.values)]
        if problems:
            raise PropertiesRefused("; ".join(map(str, problems)))
        return resolved.values

    def begin(self, action: Action, properties: Mapping[str, Any]) -> Context:
        """Record that an action begins, and return the context of its first call."""
        version = self.record.version + 1
        self.record = replace(
            self.record, action=action, status=Status.IN_PROGRESS, properties=properties, version=version
        )
        self.calls = 0
        return self._context(action, properties)

    def _context(self, action: Action, properties: Mapping[str, Any]) -> Context:
        return Context(
            stack=STACK,
            record=self.record,
            action=action,
            properties=PropertyValues(properties),
            seconds_left=self.seconds_left,
            files=self.files,
            template_file=self.template_file,
            ports=self.ports,
        )

    def _to_the_end(self, ctx: Context, first: Callable[[], Outcome]) -> Outcome:
        outcome = self._call(first)
        while isinstance(outcome, Poll):
            assert outcome.token is not None
            self.waited += outcome.after
            self.seconds_left = None if self.seconds_left is None else self.seconds_left - outcome.after
            token = through_json(outcome.token)
            ctx = replace(ctx, record=self.record, token=token, seconds_left=self.seconds_left)
            outcome = self._call(lambda now=ctx: self.type.poll(now))
        status = Status.COMPLETE if isinstance(outcome, Done) else Status.FAILED
        self.record = replace(self.record, status=status)
        return outcome

    def _call(self, act: Callable[[], Outcome]) -> Outcome:
        if self.calls_left == 0:
            raise Interrupted
        if self.calls >= PATIENCE:
            raise NeverEnds
        self.calls += 1
        self.calls_left = None if self.calls_left is None else self.calls_left - 1
        outcome = act()
        self.remember(outcome)
        return outcome

    def remember(self, outcome: Outcome) -> None:
        """Put into the record what the type told; a field that is None keeps what was known."""
        if isinstance(outcome, Replace):
            return
        told: dict[str, Any] = {
            "physical_id": outcome.physical_id,
            "data": through_json(outcome.data),
            "nested_stack_id": outcome.nested_stack_id,
            "reference": through_json(outcome.reference) if isinstance(outcome, Done) else None,
        }
        known = {field: value for field, value in told.items() if value is not None}
        self.record = replace(self.record, **known)


def through_json(value: Any) -> Any:
    """Return a value as it comes back from the store; one that JSON would change is refused."""
    back = json.loads(json.dumps(value, allow_nan=False))
    assert back == value, f"{value!r} does not survive JSON"
    return back


STACK = StackRecord(
    id=StackId("5f0c6a3e-3c1f-4f5e-9a55-1d4d4d3f3a10"),
    name="home",
    project="default",
    action=Action.CREATE,
    status=Status.IN_PROGRESS,
    reason="",
    definition_id=DefinitionId("d"),
    created_time=NOW,
)
