"""`if`, and the functions that only conditions know: equals, not, and, or (templates.md §6.13, §6.14)."""

from __future__ import annotations

from typing import Any

from engine.model.problems import Path
from engine.schema.types import UNKNOWN
from engine.template import expressions
from engine.template.expressions import ABSENT, NOTHING, BadArgument, Branch, Choice, Expr, Literal, Overspent, Scope
from engine.template.intrinsics import function, list_of
from engine.template.reader import WRONG, Reader

_LAST_STRICT_IF = "2018-08-31"  # the last version in which `if` needs its third argument


@function("if", since="2016-10-14", until=_LAST_STRICT_IF, is_macro=True)
def if_else(arguments: Any, reader: Reader, path: Path) -> Expr:
    """Yield one of two values, as a condition decides."""
    return _choice(arguments, reader, path, counts=(3,))


@function("if", since="2021-04-16", is_macro=True)
def if_optional(arguments: Any, reader: Reader, path: Path) -> Expr:
    """Yield one of two values, or a value or nothing at all, as a condition decides."""
    return _choice(arguments, reader, path, counts=(2, 3))


def _choice(arguments: Any, reader: Reader, path: Path, *, counts: tuple[int, ...]) -> Expr:
    if not isinstance(arguments, list) or len(arguments) not in counts:
        form = "[condition, value, value otherwise]"
        optional = ", the last is optional" if 2 in counts else ""
        reader.problem(path, f"{path[-1]}: the arguments have to be {form}{optional}")
        return WRONG
    # A null condition counts as true: templates rely on it (templates.md §21).
    written = True if arguments[0] is None else arguments[0]
    condition = reader.condition(written, (*path, 0))
    then = reader.branch(arguments[1], (*path, 1))
    otherwise = reader.branch(arguments[2], (*path, 2)) if len(arguments) == 3 else Branch(Literal(ABSENT))
    return Choice(condition, then, otherwise, reader.place(path))


@function(
    "equals",
    since="2016-10-14",
    in_conditions_since="2016-10-14",
    only_in_conditions=True,
    shape=list_of(2, 2),
)
def equals(arguments: Any, _: Scope) -> bool:
    """Tell whether two values are equal."""
    one, other = arguments
    return bool(one == other)


def _something(argument: Expr) -> str | None:
    return "the argument can't be null" if argument == NOTHING else None


@function(
    "not",
    since="2016-10-14",
    in_conditions_since="2016-10-14",
    only_in_conditions=True,
    lazy=True,
    shape=_something,
)
def negation(argument: Expr, scope: Scope) -> Any:
    """Tell whether a condition does not hold."""
    found = _truth(argument, scope)
    return found if found is UNKNOWN else not found


@function(
    "and",
    since="2016-10-14",
    in_conditions_since="2016-10-14",
    only_in_conditions=True,
    lazy=True,
    shape=list_of(2),
)
def conjunction(argument: Expr, scope: Scope) -> Any:
    """Tell whether all conditions hold; stop at the first that does not."""
    return _decided(argument, scope, by=False)


@function(
    "or",
    since="2016-10-14",
    in_conditions_since="2016-10-14",
    only_in_conditions=True,
    lazy=True,
    shape=list_of(2),
)
def disjunction(argument: Expr, scope: Scope) -> Any:
    """Tell whether any condition holds; stop at the first that does."""
    return _decided(argument, scope, by=True)


def _decided(argument: Expr, scope: Scope, *, by: bool) -> Any:
    answer: Any = not by
    for item in expressions.as_list(argument) or ():
        found = _truth(item, scope)
        if found is by:
            return by
        if found is UNKNOWN:
            answer = UNKNOWN
    return answer


def _truth(expr: Expr, scope: Scope) -> Any:
    try:
        return expressions.truth(expressions.evaluate(expr, scope), scope)
    except expressions.OutOfBudget as error:
        raise Overspent(error.problem.summary) from None
    except expressions.EvaluationError as error:  # of a function inside: the outer call's place is near enough
        raise BadArgument(error.problem.summary, error.code) from None
