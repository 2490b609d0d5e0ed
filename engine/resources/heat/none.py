"""OS::Heat::None: stands in for a type that is not wanted, or not there (engine.md §13)."""

from __future__ import annotations

from engine.plugin import Context, Done, Outcome, ResourceType
from engine.schema.support import Support


class NoneResource(ResourceType):
    """Takes any property, has every attribute with the value null, and does nothing."""

    type_name = "OS::Heat::None"
    support = Support(version="5.0.0")
    any_property = True
    any_attribute = True

    def create(self, ctx: Context) -> Outcome:
        """Do nothing under a random id."""
        return Done(physical_id=ctx.idempotency_token)

    def update(self, ctx: Context) -> Outcome:
        """Do nothing: no property has a meaning here."""
        return Done()
