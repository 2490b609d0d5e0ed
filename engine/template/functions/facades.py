"""resource_facade: what the template around says of the resource that this template stands for (templates.md §6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.template.expressions import Expr, Literal, Scope
from engine.template.functions import growth
from engine.template.intrinsics import Shape, function

_PARTS: Final = {name: name for name in ("metadata", "deletion_policy", "update_policy")}


def one_of(parts: Mapping[str, str]) -> Shape:
    """Return the check that the argument is written as one of the keys."""

    def check(argument: Expr) -> str | None:
        value = argument.value if isinstance(argument, Literal) else None
        if isinstance(value, str) and value in parts:
            return None
        return f"the argument has to be one of {', '.join(parts)}"

    return check


def read(part: str, scope: Scope) -> Any:
    """Return a field of the `Facade`."""
    return growth.read(scope.facade(part), scope)


@function("resource_facade", shape=one_of(_PARTS))
def resource_facade(arguments: Any, scope: Scope) -> Any:
    """Yield what the template around says of the resource that this template stands for."""
    return read(_PARTS[arguments], scope)
