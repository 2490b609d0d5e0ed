"""yaql: a query over data, in a language of its own (templates.md §6.12).

Who computes it the scope says: never this process, as `runtime.cage` explains.
"""

from __future__ import annotations

from typing import Any

from engine.schema import types
from engine.schema.types import UNKNOWN
from engine.template import expressions
from engine.template.expressions import BadArgument, Expr, Scope
from engine.template.functions import growth
from engine.template.intrinsics import function, map_with

_KEYS = ("expression", "data")


def _form(argument: Expr) -> str | None:
    wrong = map_with("expression")(argument)
    if wrong is not None:
        return wrong
    others = [types.shown(key) for key in expressions.as_map(argument) or {} if key not in _KEYS]
    return f"the arguments can be {' and '.join(_KEYS)}, and not {', '.join(others)}" if others else None


@function("yaql", since="2016-10-14", in_conditions_since="2017-09-01", shape=_form, sees_unknown=True)
def yaql(arguments: Any, scope: Scope) -> Any:
    """Yield what a yaql expression makes of data, which it finds as $.data."""
    expression, data = arguments.get("expression"), arguments.get("data", {})
    if expression is UNKNOWN:
        return UNKNOWN
    if not isinstance(expression, str):
        raise BadArgument(f"expression has to be a string, and is {types.shown(expression)}")
    scope.spend(len(expression))
    if types.contains_unknown(data):
        scope.check_query(expression)  # what is no expression will not become one when the data is there
        return UNKNOWN
    found = scope.query(expression, data)
    values, characters = growth.measure(found)
    scope.spend(values + characters)
    return found
