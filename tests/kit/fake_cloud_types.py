"""Resource types of the fake cloud, for stories that kill engines; `plugin_packages` gives them to an engine.

They show how a type of a real cloud looks: everything it builds carries a token, so that what an interrupted
call left behind is found again.
"""

from __future__ import annotations

from typing import Any

from engine.plugin import Context, Done, Outcome, Poll, Replace, ResourceFailed, ResourceType
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import OnChange, PropertyGroup, integer, number, string
from engine.schema.types import Kind
from kit.fake_cloud_client import CloudError, Gone, Things

CHANGEABLE = ("size", "label", "polls")


class Thing(ResourceType):
    """A thing of the fake cloud."""

    type_name = "Test::Cloud::Thing"
    builds_outside = True

    class Properties(PropertyGroup):
        """What a thing can be told."""

        cloud = string("Address of the cloud, host:port.", required=True)
        kind = string("Kind of thing; another kind is another thing.", default="box")
        size = integer("Changes in place.", default=1, on_change=OnChange.UPDATE)
        label = string("Changes in place.", default="", on_change=OnChange.UPDATE)
        polls = integer("How often it says that it is still at work.", default=0, on_change=OnChange.UPDATE)
        poll_secs = number("Seconds between two looks.", default=0.01, on_change=OnChange.UPDATE)

    class Attributes(AttributeGroup):
        """What a thing tells."""

        kind = attribute("Its kind.", kind=Kind.STRING)
        size = attribute("Its size now.", kind=Kind.INTEGER, cache=False)
        label = attribute("Its label now.", kind=Kind.STRING, cache=False)

    def create(self, ctx: Context) -> Outcome:
        """Build it."""
        wanted = ctx.properties
        try:
            thing = _things(ctx).build(wanted.kind, ctx.idempotency_token, properties=_changeable(ctx))
        except CloudError as error:
            raise ResourceFailed(str(error)) from error
        return _outcome(ctx, thing)

    def update(self, ctx: Context) -> Outcome:
        """Change size and label in place; where it is gone, a new one is needed."""
        try:
            return _outcome(ctx, _things(ctx).change(ctx.physical_id or "", _changeable(ctx)))
        except Gone:
            return Replace("it is gone")
        except CloudError as error:
            raise ResourceFailed(str(error)) from error

    def delete(self, ctx: Context) -> Outcome:
        """Delete what carries the token: also what an interrupted create has left without telling its id."""
        things = _things(ctx)
        try:
            for thing in things.find(ctx.idempotency_token):
                things.delete(thing["id"])
        except Gone:
            return Done()  # by another hand, between the two calls
        except CloudError as error:
            raise ResourceFailed(str(error)) from error
        return Done()

    def poll(self, ctx: Context) -> Outcome:
        """Look whether it is still at work."""
        try:
            return _outcome(ctx, _things(ctx).show(ctx.token["id"]))
        except CloudError as error:
            raise ResourceFailed(str(error)) from error

    def find(self, ctx: Context) -> Outcome | None:
        """Return what was built with this token."""
        found = _things(ctx).find(ctx.idempotency_token)
        return _outcome(ctx, found[0]) if found else None

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Ask the cloud; a thing that is gone has no attributes."""
        if path or ctx.physical_id is None:
            return None
        try:
            thing = _things(ctx).show(ctx.physical_id)
        except Gone:
            return None
        return thing["kind"] if name == "kind" else thing["properties"][name]


def _things(ctx: Context) -> Things:
    return Things(ctx.properties.cloud)


def _changeable(ctx: Context) -> dict[str, Any]:
    return {name: ctx.properties[name] for name in CHANGEABLE}


def _outcome(ctx: Context, thing: dict[str, Any]) -> Outcome:
    if thing["state"] == "READY":
        return Done(physical_id=thing["id"])
    return Poll(after=ctx.properties.poll_secs, token={"id": thing["id"]}, physical_id=thing["id"])
