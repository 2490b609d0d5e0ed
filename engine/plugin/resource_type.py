"""The class that every resource type derives from: declare, then write only the actions that the type has.

A type is stateless: one instance serves all calls. Every action may be called again for the same context after a
crash, so each must be repeatable: look before building (`find`), treat "gone already" as deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from engine.model.problems import Problem
from engine.plugin.context import Context
from engine.plugin.outcome import Done, Outcome, Replace
from engine.schema.attributes import AttributeGroup
from engine.schema.properties import PropertyGroup
from engine.schema.support import SUPPORTED, Support
from engine.schema.type_schema import TypeSchema

TEMPLATE_TYPE = "Isotherm::Template"  # the registered type that builds whatever a template file implements


def built_by(implementation: str, template_file: str | None) -> str:
    """Return the registered type that builds a resource, from what a declaration says stands behind it."""
    return implementation if template_file is None else TEMPLATE_TYPE


class ResourceType:
    """One kind of thing that a template can declare."""

    type_name: ClassVar[str] = ""
    support: ClassVar[Support] = SUPPORTED
    keeps_failed: ClassVar[bool] = False  # True: a failed one is updated in place, not replaced
    builds_outside: ClassVar[bool] = False  # True: create has effects beyond the engine; then `find` must be written
    any_property: ClassVar[bool] = False
    any_attribute: ClassVar[bool] = False

    class Properties(PropertyGroup):
        """No properties unless the type says so."""

    class Attributes(AttributeGroup):
        """No attributes unless the type says so; every type also has `show`."""

    class UpdatePolicy(PropertyGroup):
        """No update policy unless the type says so."""

    def create(self, ctx: Context) -> Outcome:
        """Build the thing."""
        return Done()

    def update(self, ctx: Context) -> Outcome:
        """Change the thing in place from `ctx.previous` to `ctx.properties`; called only if some property differs."""
        return Replace()

    def delete(self, ctx: Context) -> Outcome:
        """Take the thing away; one that is gone already is `Done`."""
        return Done()

    def check(self, ctx: Context) -> Outcome:
        """Look at the thing: `Done` if it is there and as it should be; raise ResourceFailed where it is not."""
        return Done()

    def poll(self, ctx: Context) -> Outcome:
        """Continue the action whose last answer was a `Poll`; `ctx.action` and `ctx.token` say where it stands."""
        return Done()

    def find(self, ctx: Context) -> Outcome | None:
        """Return what an interrupted create left behind, found by `ctx.idempotency_token`; None: nothing was built."""
        return None

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Return the value of an attribute (the part at `path` where the type knows how), or None if there is none."""
        return None

    def validate(self, properties: Mapping[str, Any]) -> Iterable[Problem]:
        """Yield what is wrong between properties; values may be `UNKNOWN`. Pure. Paths begin with the property."""
        return ()

    def must_replace(self, old: Mapping[str, Any], new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """Return whether this change needs a new thing although the schema would allow it in place. Pure."""
        return False

    @classmethod
    def schema(cls) -> TypeSchema:
        """Return the interface of the type as plain data."""
        return TypeSchema(
            type_name=cls.type_name,
            properties=cls.Properties.schemas,
            attributes=cls.Attributes.schemas,
            update_policy=cls.UpdatePolicy.schemas,
            support=cls.support,
            description=(cls.__doc__ or "").strip().partition("\n")[0],
            any_property=cls.any_property,
            any_attribute=cls.any_attribute,
        )
