"""Functions that make lists: repeat (templates.md §6.8).

The size of a product of lists is known before it is built.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from engine.schema import types
from engine.template import expressions
from engine.template.expressions import BadArgument, Expr, Literal, Scope
from engine.template.functions import strings
from engine.template.intrinsics import function, map_with

MAX_VALUES: Final = 200_000  # in one result, at every depth

Rounds = Iterable[tuple[Any, ...]]

_REPEAT_FORM: Final = map_with("template", "for_each")


@function("repeat", since="2015-04-30", until="2016-04-08", shape=_REPEAT_FORM)
def repeat_lists(arguments: Any, _: Scope) -> list[Any]:
    """Build a list from a template, once for each combination of the items of lists."""
    return _repeated(arguments, maps_allowed=False, nested=True)


@function("repeat", since="2016-10-14", until="2017-02-24", shape=_REPEAT_FORM)
def repeat_maps(arguments: Any, _: Scope) -> list[Any]:
    """Build a list from a template, once for each combination of the items of lists or the keys of maps."""
    return _repeated(arguments, maps_allowed=True, nested=True)


def _with_permutations(argument: Expr) -> str | None:
    wrong = _REPEAT_FORM(argument)
    if wrong is not None:
        return wrong
    flag = (expressions.as_map(argument) or {}).get("permutations", Literal(True))
    is_boolean = isinstance(flag, Literal) and isinstance(flag.value, bool)
    return None if is_boolean else "permutations has to be true or false"


@function("repeat", since="2017-09-01", shape=_with_permutations)
def repeat(arguments: Any, _: Scope) -> list[Any]:
    """Build a list from a template, once for each combination (or each row) of the items of lists."""
    return _repeated(arguments, maps_allowed=True, nested=arguments.get("permutations", True))


def _repeated(arguments: Any, *, maps_allowed: bool, nested: bool) -> list[Any]:
    for_each, template = arguments.get("for_each"), arguments.get("template")
    if not isinstance(for_each, Mapping) or not for_each:
        raise BadArgument(f"for_each has to be a map of lists, and is {types.shown(for_each)}")
    lists = [_items(name, values, maps_allowed and nested) for name, values in for_each.items()]
    rounds, count = _product(lists) if nested else _rows(for_each, lists)
    size = _size(template)
    if count * size > MAX_VALUES:
        raise BadArgument(f"the result would have {count * size} values; at most {MAX_VALUES} are allowed")
    return [_filled(template, list(zip(for_each, values, strict=True))) for values in rounds]


def _items(name: str, values: Any, maps_allowed: bool) -> list[Any]:
    if values is None:  # an attribute of a resource that is not built yet
        return []
    if isinstance(values, list):
        return values
    if isinstance(values, Mapping) and maps_allowed:
        return list(values)
    wanted = "a list or a map" if maps_allowed else "a list"
    raise BadArgument(f"for_each: {name} has to be {wanted}, and is {types.shown(values)}")


def _product(lists: Sequence[Sequence[Any]]) -> tuple[Rounds, int]:
    count = 1
    for values in lists:
        count *= len(values)
    return (itertools.product(*lists) if count <= MAX_VALUES else ()), count


def _rows(for_each: Mapping[str, Any], lists: list[list[Any]]) -> tuple[Rounds, int]:
    lengths = {len(values) for values, given in zip(lists, for_each.values(), strict=True) if given is not None}
    if len(lengths) > 1:
        raise BadArgument("for_each: without permutations all lists have to be equally long")
    return zip(*lists, strict=False), max(lengths, default=0)


def _size(template: Any) -> int:
    if isinstance(template, Mapping):
        return 1 + sum(map(_size, template.values()))
    if isinstance(template, list):
        return 1 + sum(map(_size, template))
    return 1


def _filled(template: Any, values: list[tuple[str, Any]]) -> Any:
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, Mapping):
        return {_filled(key, values): _filled(item, values) for key, item in template.items()}
    if isinstance(template, list):
        return [_filled(item, values) for item in template]
    return template


def _text(template: str, values: list[tuple[str, Any]]) -> str:
    for name, value in values:
        if not isinstance(value, str):
            raise BadArgument(f"for_each: the items of {name} have to be strings; {types.shown(value)} is none")
        if name and name in template:
            template = strings.substitute(template, {name: value})
    return template
