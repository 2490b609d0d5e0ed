"""Which properties of a resource may tell what a hidden parameter holds (templates.md §12.1).

Called by the use cases that show properties. Told from templates alone: a property counts if in the arguments of a
function there stands the name of a hidden parameter, or of a resource that was given something hidden, because its
attributes may tell it again (no resource has the name of a parameter). One property too many is masked where such a
text means something else; no function and no branch can hide a use. `get_resource` does not count: it yields an id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from typing import Any, Final, assert_never

from engine.template.expressions import Call, Choice, ConditionName, Expr, ListExpr, Literal, MapExpr
from engine.template.wanted import Declaration, Target

# What `resource_facade` is asked for inside, in the words of each language.
_METADATA: Final = ("metadata", "Metadata")
_UPDATE_POLICY: Final = ("update_policy", "UpdatePolicy")
_BY_ID: Final = "get_resource"


def properties(targets: Collection[Target], given: Set[str] = frozenset()) -> dict[str, set[str]]:
    """Return by resource the names of the properties that one of the targets computes from something hidden.

    The targets are those of one stack, before and after a change: what one of them hides is hidden in all. `given` are
    parameters that the stack around was given something hidden for, and what else it tells: the names returned here of
    the resource that this stack stands for.
    """
    found: dict[str, set[str]] = {name: set() for target in targets for name in target.declarations}
    readers = _readers(targets)
    hidden = {*given, *_hidden(targets)}
    names = list(hidden)
    while names:
        for resource, told in readers.get(names.pop(), ()):
            found[resource].add(told)
            if resource not in hidden:
                hidden.add(resource)
                names.append(resource)
    return found


def _hidden(targets: Collection[Target]) -> Iterator[str]:
    """Yield the hidden parameters, and the resources that are stacks with such parameters of their own."""
    for target in targets:
        yield from (name for name, schema in target.template.parameters.items() if schema.hidden)
        yield from (name for name, inner in target.nested.items() if any(_hidden([inner])))


def _readers(targets: Collection[Target]) -> dict[str, set[tuple[str, str]]]:
    """Return by name, of whatever it may be, the resources and their properties that have a use for it."""
    readers: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for declaration in (one for target in targets for one in target.declarations.values()):
        for told, expr in _told(declaration):
            for name in _arguments(expr, inside=False):
                readers[name].add((declaration.name, told))
    return readers


def _told(declaration: Declaration) -> Iterator[tuple[str, Expr]]:
    """Yield the properties, and of a nested stack also what it can ask the resource for that it stands for."""
    yield from declaration.properties.items()
    if declaration.template_file is None:
        return
    for words, expr in ((_METADATA, declaration.metadata), (_UPDATE_POLICY, declaration.update_policy)):
        if expr is not None:
            yield from ((word, expr) for word in words)


def _arguments(expr: Expr, *, inside: bool) -> Iterator[str]:
    """Yield every text that stands in the arguments of a function; `inside`: the expression is such an argument."""
    match expr:
        case Literal(value):
            yield from _texts(value) if inside else ()
        case MapExpr(items):
            for _, item in items:
                yield from _arguments(item, inside=inside)
        case ListExpr(items):
            for item in items:
                yield from _arguments(item, inside=inside)
        case Call(function=function, argument=argument):
            yield from _arguments(argument, inside=function.name != _BY_ID)
        case Choice(then=then, otherwise=otherwise):
            yield from _arguments(then.expr, inside=inside)
            yield from _arguments(otherwise.expr, inside=inside)
        case ConditionName():
            return
        case other:
            assert_never(other)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
