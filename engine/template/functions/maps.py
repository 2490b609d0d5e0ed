"""Functions that make maps of maps: map_merge, map_replace (templates.md §6.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.schema import types
from engine.template.expressions import BadArgument, Scope
from engine.template.functions import growth, strings
from engine.template.intrinsics import function

_NOTHING: Final[Mapping[str, Any]] = {}
_REPLACEMENTS: Final = ("keys", "values")


@function("map_merge", since="2016-04-08")
def map_merge(arguments: Any, scope: Scope) -> dict[str, Any]:
    """Merge maps to one; what comes later goes before what came first."""
    maps = [] if arguments == "" else arguments  # an empty text counts as nothing at all
    if not isinstance(maps, list):
        raise BadArgument(f"the arguments have to be a list of maps, and are {types.shown(maps)}")
    merged: dict[str, Any] = {}
    for one in maps:
        if one is None:
            continue
        if not isinstance(one, Mapping):
            raise BadArgument(f"each argument has to be a map or null; {types.shown(one)} is neither")
        growth.make_values(len(one), scope)
        merged.update(one)
        _check_size(merged)
    return merged


def _check_size(made: Mapping[str, Any]) -> None:
    if len(made) > growth.MAX_VALUES:
        raise BadArgument(f"the result would have too many values; at most {growth.MAX_VALUES} are allowed")


@function("map_replace", since="2016-10-14")
def map_replace(arguments: Any, scope: Scope) -> dict[str, Any]:
    """Replace keys and values of a map."""
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise BadArgument("the arguments have to be a list of 2 items: the map, and a map with keys and values")
    given = _map("the first argument", arguments[0])
    replacements = _map("the second argument", arguments[1])
    strange = [types.shown(name) for name in replacements if name not in _REPLACEMENTS]
    if strange:
        raise BadArgument(f"the second argument can have keys and values, and not {', '.join(strange[:8])}")
    keys, values = (_map(name, replacements.get(name)) for name in _REPLACEMENTS)
    growth.make_values(len(given), scope)
    made: dict[str, Any] = {}
    for key, value in given.items():
        made[_new_key(key, keys, given, made=made)] = _new_value(value, values)
    return made


def _map(what: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return _NOTHING
    if isinstance(value, Mapping):
        return value
    raise BadArgument(f"{what} has to be a map or null, and is {types.shown(value)}")


def _new_key(key: str, keys: Mapping[str, Any], given: Mapping[str, Any], *, made: Mapping[str, Any]) -> str:
    new = keys.get(key)
    if new is None:
        return key
    if isinstance(new, Mapping | list):
        raise BadArgument(f"keys: the new name of {types.shown(key)} has to be a string, and is {types.shown(new)}")
    name = _as_key(new)
    if name != key and name in given:
        raise BadArgument(f"keys: {types.shown(name)}, the new name of {types.shown(key)}, is a key of the map already")
    if name in made:
        raise BadArgument(f"keys: {types.shown(name)} would be the new name of {types.shown(key)} and of another key")
    return name


def _new_value(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping | list):
        return value
    return values.get(_as_key(value), value)


def _as_key(value: Any) -> str:
    """Return a value as it is written as a key: keys of templates are text, like those of JSON."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return strings.scalar_text(value)
