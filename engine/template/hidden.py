"""Which properties of a resource may tell what a hidden parameter holds (templates.md §12.1).

Called by the use cases that show properties. Told from the template alone: a property counts if the name of a hidden
parameter stands anywhere in the arguments of a function. That may be a resource of the same name, and one property
too many is masked then; no function and no branch can hide a use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from engine.template.declarations import Template
from engine.template.expressions import Call, Choice, ConditionName, Expr, ListExpr, Literal, MapExpr
from engine.template.wanted import Declaration


def properties(template: Template, declaration: Declaration) -> frozenset[str]:
    """Return the names of the properties that the template computes from a hidden parameter of its own."""
    hidden = {name for name, schema in template.parameters.items() if schema.hidden}
    if not hidden:
        return frozenset()
    return frozenset(
        name for name, expr in declaration.properties.items() if not hidden.isdisjoint(_arguments(expr, inside=False))
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
