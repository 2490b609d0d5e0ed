"""repeat: a list from a template, once for each item of lists (templates.md §6.8).

The size of a product of lists, and the work on it, are known before it is built.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from engine.schema import types
from engine.template import expressions
from engine.template.expressions import BadArgument, Expr, Literal, Scope
from engine.template.functions import growth, strings
from engine.template.intrinsics import function, map_with

Rounds = Iterable[tuple[Any, ...]]

_FORM: Final = map_with("template", "for_each")
_SEARCH_SHARE: Final = 100  # characters that cost one to be searched for a variable


@function("repeat", since="2015-04-30", until="2016-04-08", shape=_FORM)
def repeat_lists(arguments: Any, scope: Scope) -> list[Any]:
    """Build a list from a template, once for each combination of the items of lists."""
    return _repeated(arguments, scope, maps_allowed=False, nested=True)


@function("repeat", since="2016-10-14", until="2017-02-24", shape=_FORM)
def repeat_maps(arguments: Any, scope: Scope) -> list[Any]:
    """Build a list from a template, once for each combination of the items of lists or the keys of maps."""
    return _repeated(arguments, scope, maps_allowed=True, nested=True)


def _with_permutations(argument: Expr) -> str | None:
    wrong = _FORM(argument)
    if wrong is not None:
        return wrong
    flag = (expressions.as_map(argument) or {}).get("permutations", Literal(True))
    is_boolean = isinstance(flag, Literal) and isinstance(flag.value, bool)
    return None if is_boolean else "permutations has to be true or false"


@function("repeat", since="2017-09-01", shape=_with_permutations)
def repeat(arguments: Any, scope: Scope) -> list[Any]:
    """Build a list from a template, once for each combination (or each row) of the items of lists."""
    return _repeated(arguments, scope, maps_allowed=True, nested=arguments.get("permutations", True))


def _repeated(arguments: Any, scope: Scope, *, maps_allowed: bool, nested: bool) -> list[Any]:
    for_each, template = arguments.get("for_each"), arguments.get("template")
    if not isinstance(for_each, Mapping) or not for_each:
        raise BadArgument(f"for_each has to be a map of lists, and is {types.shown(for_each)}")
    names = [str(name) for name in for_each]
    if "" in names:
        raise BadArgument("for_each: the name of a variable can't be empty")
    lists = [_items(name, values, scope, maps_allowed=maps_allowed and nested) for name, values in for_each.items()]
    count = _product_size(lists) if nested else _row_count(for_each, lists)
    if not count:
        return []
    _count_work(template, count, len(names), scope)
    rounds: Rounds = itertools.product(*lists) if nested else zip(*lists, strict=False)
    return [_filled(template, list(zip(names, values, strict=True)), scope) for values in rounds]


def _items(name: str, values: Any, scope: Scope, *, maps_allowed: bool) -> Sequence[Any]:
    if values is None:  # an attribute of a resource that is not built yet
        return []
    if isinstance(values, list):
        return values
    if isinstance(values, Mapping) and maps_allowed:
        scope.spend(growth.PLACE * len(values))
        return list(values)
    wanted = "a list or a map" if maps_allowed else "a list"
    raise BadArgument(f"for_each: {name} has to be {wanted}, and is {types.shown(values)}")


def _product_size(lists: Sequence[Sequence[Any]]) -> int:
    """Return how many combinations there are; above what is allowed, any number that is."""
    count = 1 if all(lists) else 0
    for values in lists:
        if count > growth.MAX_VALUES:
            break
        count *= len(values)
    return count


def _row_count(for_each: Mapping[str, Any], lists: list[Sequence[Any]]) -> int:
    lengths = {len(values) for values, given in zip(lists, for_each.values(), strict=True) if given is not None}
    if len(lengths) > 1:
        raise BadArgument("for_each: without permutations all lists have to be equally long")
    return min(map(len, lists))


def _count_work(template: Any, count: int, names: int, scope: Scope) -> None:
    """Count the values of the result, and the search of every text in it for every variable."""
    values, characters = growth.measure(template)
    scope.spend(values)
    if count * values > growth.MAX_VALUES:
        raise BadArgument(f"the result would have too many values; at most {growth.MAX_VALUES} are allowed")
    scope.spend(count * (growth.VALUE * values + names * (values + characters // _SEARCH_SHARE + 1)))


def _filled(template: Any, values: list[tuple[str, Any]], scope: Scope) -> Any:
    if isinstance(template, str):
        return _text(template, values, scope)
    if isinstance(template, Mapping):
        return {_filled(key, values, scope): _filled(item, values, scope) for key, item in template.items()}
    if isinstance(template, list):
        return [_filled(item, values, scope) for item in template]
    return template


def _text(template: str, values: list[tuple[str, Any]], scope: Scope) -> str:
    for name, value in values:
        if not isinstance(value, str):
            raise BadArgument(f"for_each: the items of {name} have to be strings; {types.shown(value)} is none")
        if name in template:
            template = strings.replace_all(template, name, value, scope)
    return template
