"""OS::Heat::TestResource: waits, fails and is replaced as it is told, with nothing behind it (engine.md §13).

The workhorse of tests that need something to go wrong. No wait of it holds a thread: `wait_secs` is a `Poll`.
`attr_wait_secs` and `constraint_prop_secs` are accepted but hold nobody up: no read or validation waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.model.problems import Problem
from engine.model.states import Action
from engine.plugin import Context, Done, Outcome, Poll, ResourceFailed, ResourceType
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import OnChange, PropertyGroup, boolean, mapping, number, string
from engine.schema.support import Support
from engine.schema.types import UNKNOWN

UPDATE: Final = OnChange.UPDATE
SOMETIME: Final = 3600.0  # seconds between two looks at a wait that has no end


class TestResource(ResourceType):
    """Does what a test needs of it: waits, fails, is replaced."""

    __test__ = False  # pytest takes every class of such a name for a test

    type_name = "OS::Heat::TestResource"
    support = Support(version="5.0.0")

    class Properties(PropertyGroup):
        """All waits in seconds; fractions count, and -1 is for ever."""

        value = string("What the attribute output yields.", default="test_string", on_change=UPDATE)
        update_replace_value = string("A change of it replaces.", support=Support(version="7.0.0"))
        fail = boolean("Whether to fail, after the wait; a delete never does.", default=False, on_change=UPDATE)
        update_replace = boolean("Whether a change of value replaces.", default=False, on_change=UPDATE)
        wait_secs = number("Wait of each action.", default=0, on_change=UPDATE)
        action_wait_secs = mapping(
            "Waits of single actions, in place of wait_secs.",
            {
                "create": number("Wait of a create.", on_change=UPDATE),
                "update": number("Wait of an update that changes value.", on_change=UPDATE),
                "delete": number("Wait of a delete.", on_change=UPDATE),
            },
            on_change=UPDATE,
        )
        attr_wait_secs = number(
            "Accepted; a read never waits.", default=0, on_change=UPDATE, support=Support(version="6.0.0")
        )
        constraint_prop_secs = number(
            "Accepted; a validation never waits.",
            default=0,
            on_change=UPDATE,
            support=Support(version="6.0.0"),
        )
        client_name = string("Client to ask, together with entity_name.", default="", on_change=UPDATE)
        entity_name = string("What to ask the client for.", default="", on_change=UPDATE)

    class Attributes(AttributeGroup):
        """The value, as last applied."""

        output = attribute("The value.", cache=False)

    def create(self, ctx: Context) -> Outcome:
        """Wait, then fail if told to; a failure leaves nothing behind."""
        return _wait(ctx)

    def update(self, ctx: Context) -> Outcome:
        """Wait if the value changed, then fail if told to."""
        return _wait(ctx) if "value" in ctx.changed else _end(ctx)

    def delete(self, ctx: Context) -> Outcome:
        """Wait; never fail."""
        return _wait(ctx)

    def poll(self, ctx: Context) -> Outcome:
        """End what waited, unless it waits for ever."""
        return _wait(ctx) if ctx.token["seconds"] < 0 else _end(ctx)

    def check(self, ctx: Context) -> Outcome:
        """Fail if there is nothing to check."""
        if ctx.physical_id is None:
            raise ResourceFailed(f"Test Resource {ctx.name} has no physical id")
        return Done()

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Return the value that was last applied."""
        return ctx.data.get("value") if name == "output" and not path else None

    def validate(self, properties: Mapping[str, Any]) -> Iterable[Problem]:
        """Refuse to ask a client: this engine has none to offer."""
        client, entity = properties.get("client_name"), properties.get("entity_name")
        if client and entity and UNKNOWN not in (client, entity):
            yield Problem(("client_name",), f'there is no client "{client}" to ask for {entity}')

    def must_replace(self, old: Mapping[str, Any], new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """Return whether the value changed under update_replace."""
        return "value" in changed and new.get("update_replace") is True


def _wait(ctx: Context) -> Outcome:
    """Answer with the wait of the action; what is going to stand has its id from the start."""
    single = (ctx.properties.get("action_wait_secs") or {}).get(ctx.action.lower())
    seconds = (ctx.properties.get("wait_secs") or 0) if single is None else single
    if seconds == 0:
        return _end(ctx)
    physical_id = ctx.physical_name() if _will_stand(ctx) else None
    return Poll(after=seconds if seconds > 0 else SOMETIME, token={"seconds": seconds}, physical_id=physical_id)


def _end(ctx: Context) -> Outcome:
    if ctx.action is Action.DELETE:
        return Done()
    if ctx.properties.fail:
        raise ResourceFailed(f"Test Resource failed {ctx.name}")
    return Done(physical_id=ctx.physical_name(), data={"value": ctx.properties.value})


def _will_stand(ctx: Context) -> bool:
    return ctx.action is Action.CREATE and not ctx.properties.fail
