"""Functions over lists: list_concat, list_concat_unique, filter, contains (templates.md §6.14, §6.15).

Values are the same if they are equal as templates compare them: 1, 1.0 and true are one value. Each gets a key by
which it is found in a set, because comparing every item with every other takes too long.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from engine.schema import types
from engine.template.expressions import BadArgument, Scope
from engine.template.functions import growth
from engine.template.intrinsics import function, list_of


@function("list_concat", since="2017-09-01")
def list_concat(arguments: Any, scope: Scope) -> list[Any]:
    """Join lists to one."""
    return _joined(arguments, scope)


@function("list_concat_unique", since="2017-09-01")
def list_concat_unique(arguments: Any, scope: Scope) -> list[Any]:
    """Join lists to one in which each value stands once."""
    items = _joined(arguments, scope)
    scope.spend(growth.PLACE * len(items))
    found: dict[Hashable, Any] = {}
    for item in items:
        found.setdefault(_key(item, scope), item)
    return list(found.values())


def _joined(lists: Any, scope: Scope) -> list[Any]:
    if not isinstance(lists, list):
        raise BadArgument(f"the arguments have to be a list of lists, and are {types.shown(lists)}")
    for items in lists:
        if items is not None and not isinstance(items, list):
            raise BadArgument(f"each argument has to be a list or null; {types.shown(items)} is neither")
    growth.make_values(sum(len(items) for items in lists if items), scope, each=growth.PLACE)
    return [item for items in lists if items for item in items]


@function("filter", since="2017-02-24", shape=list_of(2, 2))
def filter_out(arguments: Any, scope: Scope) -> Any:
    """Yield a list without the values that another list names."""
    unwanted, items = arguments
    if not items:  # as it is, null too
        return items
    if not isinstance(items, list):
        raise BadArgument(f"the second argument has to be the list to filter, and is {types.shown(items)}")
    if not unwanted:
        return items
    if not isinstance(unwanted, list):
        raise BadArgument(f"the first argument has to be a list of values, and is {types.shown(unwanted)}")
    growth.make_values(len(items), scope, each=growth.PLACE)
    scope.spend(growth.PLACE * (len(items) + len(unwanted)))
    keys = {_key(value, scope) for value in unwanted}
    return [item for item in items if _key(item, scope) not in keys]


@function("contains", since="2017-09-01", in_conditions_since="2017-09-01", shape=list_of(2, 2))
def contains(arguments: Any, scope: Scope) -> bool:
    """Tell whether a value is in a list, or a text in a text."""
    value, sequence = arguments
    if isinstance(sequence, str):
        if not isinstance(value, str):
            raise BadArgument(f"only a string can be in a string; {types.shown(value)} is none")
        growth.read_text(sequence, scope)
        return value in sequence
    if not isinstance(sequence, list):
        raise BadArgument(f"the second argument has to be a list or a string, and is {types.shown(sequence)}")
    values, characters = growth.measure(value)  # at worst each item is compared to the end
    scope.spend(len(sequence) * (values + characters // growth.CHARACTERS_READ))
    return value in sequence


def _key(value: Any, scope: Scope) -> Hashable:
    """Return what equal values, and only they, have in common. Its place in a list is counted before."""
    if value is None or isinstance(value, str):
        return value
    values, _ = growth.measure(value)
    scope.spend(growth.VALUE * values)
    return _frozen(value)


def _frozen(value: Any) -> Hashable:
    match value:
        case Mapping():
            return "map", frozenset((_frozen(key), _frozen(item)) for key, item in value.items())
        case list():
            return "list", tuple(map(_frozen, value))
        case float() if not value.is_integer():
            return "number", repr(value)
        case int() | float():  # as text: whoever picks numbers can have all of them share one hash
            return "number", f"{int(value):x}"
        case _:
            text: Hashable = value
            return text
