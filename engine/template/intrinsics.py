"""How an intrinsic function is declared: a decorator over the Python function that computes it.

Used by the modules in `functions/`, found by `dialects`. Also here: the checks of argument forms that several
families share.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypedDict, Unpack

from engine.template import expressions
from engine.template.expressions import Expr, Function

Shape = Callable[[Expr], str | None]

# Where CloudFormation functions exist (templates.md §5.3): values of `cfn`.
AWS: Final = ("AWSTemplateFormatVersion",)
BOTH_CFN: Final = (*AWS, "HeatTemplateFormatVersion")


class Traits(TypedDict, total=False):
    """What `function` takes beside the name; the fields of `Function` say what they mean."""

    since: str | None
    until: str
    in_conditions_since: str
    cfn: tuple[str, ...]
    in_cfn_conditions: bool
    only_in_conditions: bool
    shape: Shape
    lazy: bool
    sees_unknown: bool
    is_macro: bool


def function(name: str, **traits: Unpack[Traits]) -> Callable[[Callable[..., Any]], Function]:
    """Make a Python function the meaning of an intrinsic one; the first line of its docstring describes it."""

    def declare(evaluate: Callable[..., Any]) -> Function:
        description = (inspect.getdoc(evaluate) or "").partition("\n")[0]
        return Function(name, evaluate, description=description, **traits)

    return declare


def list_of(least: int, most: int | None = None) -> Shape:
    """Return the check that the arguments are a list of so many items; `most` None: no upper bound."""

    def check(argument: Expr) -> str | None:
        items = expressions.as_list(argument)
        if items is not None and least <= len(items) and (most is None or len(items) <= most):
            return None
        if most is None:
            wanted = f"at least {least}"
        else:
            wanted = str(least) if most == least else f"{least} to {most}"
        found = "something else" if items is None else f"a list of {len(items)}"
        return f"the arguments have to be a list of {wanted} items, and are {found}"

    return check


def map_with(*required: str) -> Shape:
    """Return the check that the arguments are written as a map that has these keys."""

    def check(argument: Expr) -> str | None:
        entries = expressions.as_map(argument)
        if entries is None:
            return f"the arguments have to be a map with {' and '.join(required)}"
        missing = [key for key in required if key not in entries]
        return f"the arguments lack {' and '.join(missing)}" if missing else None

    return check
