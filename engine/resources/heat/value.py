"""OS::Heat::Value: gives a value a name, and a type where one is asked for (engine.md §13)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.model.problems import Problem
from engine.plugin import Context, Done, Outcome, ResourceType
from engine.schema import paths, types
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import OnChange, PropertyGroup, anything, string
from engine.schema.support import Support
from engine.schema.types import BadValue, Kind

KINDS: Final[Mapping[str, Kind]] = {
    "string": Kind.STRING,
    "number": Kind.NUMBER,
    "comma_delimited_list": Kind.LIST,
    "json": Kind.MAP,
    "boolean": Kind.BOOLEAN,
}


class Value(ResourceType):
    """A value that other resources and outputs read by this resource's name."""

    type_name = "OS::Heat::Value"
    support = Support(version="7.0.0")

    class Properties(PropertyGroup):
        """Both change in place."""

        value = anything("The value.", required=True, on_change=OnChange.UPDATE)
        type = string("What the value is to be.", one_of=tuple(KINDS), on_change=OnChange.UPDATE)

    class Attributes(AttributeGroup):
        """The value."""

        value = attribute("The value, as its type has it.")

    def create(self, ctx: Context) -> Outcome:
        """Remember nothing: the value is the property."""
        return Done(physical_id=ctx.physical_name())

    def update(self, ctx: Context) -> Outcome:
        """Remember nothing here either."""
        return Done()

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Return the value, and nothing for any other name."""
        if name != "value":
            return None
        return paths.select(typed(ctx.properties["type"], ctx.properties["value"]), path)

    def validate(self, properties: Mapping[str, Any]) -> Iterable[Problem]:
        """Refuse a value that is not of the type."""
        type_name, value = properties.get("type"), properties.get("value")
        if types.contains_unknown([type_name, value]):
            return
        try:
            typed(type_name, value)
        except BadValue as error:
            yield Problem(("value",), str(error))


def typed(type_name: str | None, value: Any) -> Any:
    """Return a value as a type has it, null as its zero value; raise `BadValue` if it does not fit."""
    if not type_name:
        return value
    kind = KINDS[type_name]
    if value is None:
        return types.zero(kind)
    if kind is Kind.MAP:
        return _json(value)
    return types.convert(kind, value, allow_conversion=kind is Kind.LIST)


def _json(value: Any) -> Any:
    """Return a map or a list; text is read as JSON."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadValue(f"{types.shown(value)} is not JSON") from error
    if not isinstance(found, Mapping | list):
        raise BadValue(f"{types.shown(value)} is neither a map nor a list")
    return found
