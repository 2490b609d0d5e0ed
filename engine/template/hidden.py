"""Which properties of a resource may tell what a hidden parameter holds (templates.md §12.1).

Called by the use cases that show properties. Told from templates alone: a property counts if the name of a hidden
parameter stands anywhere in the arguments of a function. That may be a resource of the same name, and one property
too many is masked then; no function and no branch can hide a use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Set
from typing import Any, assert_never

from engine.template.expressions import Call, Choice, ConditionName, Expr, ListExpr, Literal, MapExpr
from engine.template.wanted import Declaration, Target


def properties(targets: Collection[Target]) -> dict[str, frozenset[str]]:
    """Return by resource the names of the properties that one of the targets computes from a hidden parameter.

    The targets are those of one stack, before and after a change: what one of them hides is hidden in all.
    """
    parameters = (schema for target in targets for schema in target.template.parameters.values())
    names = {schema.name for schema in parameters if schema.hidden}
    found: dict[str, frozenset[str]] = {}
    for declaration in (one for target in targets for one in target.declarations.values()):
        reads = _reading(declaration, names) if names else frozenset()
        found[declaration.name] = found.get(declaration.name, frozenset()) | reads
    return found


def _reading(declaration: Declaration, names: Set[str]) -> frozenset[str]:
    return frozenset(
        name for name, expr in declaration.properties.items() if not names.isdisjoint(_arguments(expr, inside=False))
    )


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
        case Call(argument=argument):
            yield from _arguments(argument, inside=True)
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
