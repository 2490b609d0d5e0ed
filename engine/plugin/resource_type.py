"""The class that every resource type derives from: declare, then write only the actions that the type has.

A type is stateless: one instance serves all calls. What it can be asked to do is in `actions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from engine.model.problems import Problem
from engine.plugin.actions import Actions
from engine.plugin.context import Context
from engine.plugin.outcome import Observed
from engine.schema.attributes import AttributeGroup
from engine.schema.properties import PropertyGroup
from engine.schema.support import SUPPORTED, Support
from engine.schema.type_schema import TypeSchema

TEMPLATE_TYPE = "Isotherm::Template"  # the registered type that builds whatever a template file implements


def built_by(implementation: str, template_file: str | None) -> str:
    """Return the registered type that builds a resource, from what a declaration says stands behind it."""
    return implementation if template_file is None else TEMPLATE_TYPE


class ResourceType(Actions):
    """One kind of thing that a template can declare."""

    type_name: ClassVar[str] = ""
    support: ClassVar[Support] = SUPPORTED
    keeps_failed: ClassVar[bool] = False  # True: a failed one is updated in place, not replaced
    builds_outside: ClassVar[bool] = False  # True: create has effects beyond the engine; then `find` must be written
    always_observes: ClassVar[bool] = False  # True: `observe` is called before every update, so it must be cheap
    supersedes: ClassVar[bool] = False  # True: an update may begin while an operation on it is still waited for
    snapshots_on_delete: ClassVar[bool] = False  # True: deletion policy Snapshot; write `delete_keeping_snapshot`
    any_property: ClassVar[bool] = False
    any_attribute: ClassVar[bool] = False

    class Properties(PropertyGroup):
        """No properties unless the type says so."""

    class Attributes(AttributeGroup):
        """No attributes unless the type says so; every type also has `show`."""

    class UpdatePolicy(PropertyGroup):
        """No update policy unless the type says so."""

    def delete_snapshot(self, ctx: Context, saved: Mapping[str, Any]) -> None:
        """Take away what `snapshot` has saved; `saved` is the data that it left. Repeatable, like every action."""

    def restored(self, properties: Mapping[str, Any], saved: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the properties that bring the thing back to what a snapshot saved. Pure."""
        return properties

    def observe(self, ctx: Context) -> Observed | None:
        """Look at what is really there before an update is decided; None: this type can't.

        Called when a caller asks for it (`converge`), and with `always_observes` before every update. What it raises
        is logged and otherwise ignored.
        """
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

    @property
    def can_check(self) -> bool:
        """Return whether the type has a check of its own."""
        return type(self).check is not Actions.check

    @classmethod
    def schema(cls) -> TypeSchema:
        """Return the interface of the type as plain data."""
        return TypeSchema(
            type_name=cls.type_name,
            properties=cls.Properties.schemas,
            attributes=cls.Attributes.schemas,
            update_policy=cls.UpdatePolicy.schemas,
            support=cls.support,
            snapshots_on_delete=cls.snapshots_on_delete,
            description=(cls.__doc__ or "").strip().partition("\n")[0],
            any_property=cls.any_property,
            any_attribute=cls.any_attribute,
        )
