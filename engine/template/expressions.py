"""The expression tree: what a value in a template means, and how it is computed.

Built by `reader`, evaluated by `target` and by runtime and plan through it. Evaluation asks a `Scope` for
everything outside the tree. What is not known yet is `UNKNOWN`: a function that is given it answers it, so
that a preview and a validation run the same code as the walk. ABSENT is "not even null": it drops out of the
map or list that holds it (templates.md §4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Final, Protocol

from engine.model.errors import Code, EngineError
from engine.model.problems import Path, Problem
from engine.schema import types
from engine.schema.types import UNKNOWN


class Absent(Enum):
    """The kind of `ABSENT`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Scope(Protocol):
    """What an expression can ask for. Every method may raise `BadArgument`, and may answer `UNKNOWN`."""

    def parameter(self, name: str) -> Any:
        """Return the value of a parameter."""

    def reference_id(self, resource: str) -> Any:
        """Return what get_resource yields."""

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Return an attribute, or the part of it at `path`; None: there is no value."""

    def attributes(self, resource: str) -> Any:
        """Return all attributes of a resource but `show`, by name; None: there are no values yet."""

    def file(self, name: str) -> str:
        """Return the text of a file of the request."""

    def condition(self, name: str) -> Any:
        """Return whether a condition of the template holds."""

    def has_resource(self, name: str) -> bool:
        """Return whether the template has such a resource, and its condition holds."""

    def mapping(self, name: str) -> Any:
        """Return one of the template's mappings."""

    def facade(self, part: str) -> Any:
        """Return what the parent says of the resource that this template stands for: a field of `Facade`."""

    def zones(self) -> list[str]:
        """Return the names of the availability zones."""

    def query(self, expression: str, data: Any) -> Any:
        """Return what a yaql expression makes of plain data."""

    def check_query(self, expression: str) -> None:
        """Raise `BadArgument` if the text is no yaql expression."""

    def spend(self, amount: int) -> None:
        """Count values or characters that a function is about to make; raise `Overspent` if they are too many."""


class BadArgument(ValueError):
    """A function can't work with what it is given; the evaluator adds where."""

    def __init__(self, message: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        super().__init__(message)
        self.code = code


class NoSuchParameter(BadArgument):
    """A template has no parameter of that name."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.PARAMETER_MISSING)


class Overspent(BadArgument):
    """A budget is used up; the evaluator adds where."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.REQUEST_LIMIT_EXCEEDED)


class EvaluationError(EngineError):
    """An expression has no value; `problem` says why and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(Code(problem.code), str(problem))
        self.problem = problem


class OutOfBudget(EvaluationError):
    """A template asks for more than one template may have; nothing more of it is computed."""


@dataclass(frozen=True, slots=True)
class Facade:
    """The resource that a template stands for, as the parent declares it."""

    metadata: Any = field(default_factory=dict)
    deletion_policy: str = "Delete"
    update_policy: Any = field(default_factory=dict)

    def as_map(self) -> dict[str, Any]:
        """Return the facade as plain data."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands."""

    path: Path
    line: int | None = None  # None: not from a text
    source: str = ""  # file; "": the root template

    def problem(self, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> Problem:
        """Return a problem that stands here."""
        return Problem(self.path, summary, line=self.line, source=self.source, code=code)


@dataclass(frozen=True, slots=True)
class Function:
    """One form of an intrinsic function, and the versions of the languages that have it (templates.md §5)."""

    name: str
    evaluate: Callable[..., Any]  # (arguments, scope); the arguments are values, or one Expr if `lazy`
    since: str | None = "2013-05-23"  # first HOT version; None: no HOT version has it
    until: str | None = None  # last HOT version that has this form; None: the newest
    in_conditions_since: str | None = None  # HOT version; None: not allowed there
    cfn: tuple[str, ...] = ()  # CloudFormation formats that have it, by their version keys
    in_cfn_conditions: bool = False
    only_in_conditions: bool = False  # and no function elsewhere
    shape: Callable[[Expr], str | None] | None = None  # what is wrong with the form of the arguments
    lazy: bool = False  # evaluates its arguments itself
    sees_unknown: bool = False  # is called even with arguments that are not known yet
    is_macro: bool = False  # `evaluate` is (raw arguments, reader, path) -> Expr instead
    description: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """Plain data: nothing in it is a function."""

    value: Any


@dataclass(frozen=True, slots=True)
class MapExpr:
    """A map with a function somewhere in it."""

    items: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class ListExpr:
    """A list with a function somewhere in it."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: Function
    argument: Expr
    place: Place


@dataclass(frozen=True, slots=True)
class Branch:
    """One way of a choice; what is wrong with its form counts only if it is taken."""

    expr: Expr
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """An `if`."""

    condition: Expr
    then: Branch
    otherwise: Branch
    place: Place


@dataclass(frozen=True, slots=True)
class ConditionName:
    """A condition of the template, by name."""

    name: str
    place: Place


Expr = Literal | MapExpr | ListExpr | Call | Choice | ConditionName

NOTHING: Final = Literal(None)


@dataclass(slots=True)
class Findings:
    """What an exploration finds wrong; with it, evaluation goes on where it would stop."""

    errors: list[Problem] = field(default_factory=list)  # values that can't be computed
    shapes: list[Problem] = field(default_factory=list)  # calls in taken branches whose form is wrong


def evaluate(expr: Expr, scope: Scope) -> Any:
    """Return the value, which may be ABSENT or hold UNKNOWN; raise `EvaluationError` if there is none."""
    return expr.value if type(expr) is Literal else _value(expr, scope, None)


def explore(expr: Expr, scope: Scope, findings: Findings) -> Any:
    """Return the value with UNKNOWN for every part that can't be computed, and note why it can't."""
    return _value(expr, scope, findings)


def as_list(expr: Expr) -> tuple[Expr, ...] | None:
    """Return the items of what is a list as written; None: it is something else, or a function."""
    if isinstance(expr, ListExpr):
        return expr.items
    if isinstance(expr, Literal) and isinstance(expr.value, list):
        return tuple(map(Literal, expr.value))
    return None


def as_map(expr: Expr) -> dict[str, Expr] | None:
    """Return the entries of what is a map as written; None: it is something else, or a function."""
    if isinstance(expr, MapExpr):
        return dict(expr.items)
    if isinstance(expr, Literal) and isinstance(expr.value, dict):
        return {key: Literal(value) for key, value in expr.value.items()}
    return None


def _value(expr: Expr, scope: Scope, findings: Findings | None) -> Any:
    match expr:
        case Literal():
            return expr.value
        case MapExpr():
            pairs = ((key, _value(item, scope, findings)) for key, item in expr.items)
            return {key: value for key, value in pairs if value is not ABSENT}
        case ListExpr():
            values = [_value(item, scope, findings) for item in expr.items]
            return [value for value in values if value is not ABSENT]
        case Call():
            return _called(expr, scope, findings)
        case Choice():
            return _chosen(expr, scope, findings)
        case ConditionName():
            return _guarded(expr.place, findings, lambda: scope.condition(expr.name))


def _called(call: Call, scope: Scope, findings: Findings | None) -> Any:
    function = call.function
    if function.lazy:
        return _guarded(call.place, findings, lambda: function.evaluate(call.argument, scope))
    arguments = _value(call.argument, scope, findings)
    if arguments is ABSENT:
        arguments = None
    if not function.sees_unknown and types.contains_unknown(arguments):
        return UNKNOWN
    return _guarded(call.place, findings, lambda: function.evaluate(arguments, scope))


def _guarded(place: Place, findings: Findings | None, compute: Callable[[], Any]) -> Any:
    """Return what `compute` does; turn its complaint into a problem at `place`, noted or raised."""
    try:
        return compute()
    except Overspent as error:
        raise OutOfBudget(place.problem(str(error), error.code)) from None
    except BadArgument as error:
        problem = place.problem(str(error), error.code)
        if findings is None:
            raise EvaluationError(problem) from None
        findings.errors.append(problem)
        return UNKNOWN


def _chosen(choice: Choice, scope: Scope, findings: Findings | None) -> Any:
    # What is wrong with a condition is wrong with the form: which way is meant has to be known before anything else.
    form = None if findings is None else Findings(findings.shapes, findings.shapes)
    verdict = _guarded(choice.place, form, lambda: truth(_value(choice.condition, scope, form), scope))
    if verdict is UNKNOWN:
        if findings is not None:  # either may be taken: both have to be explored, for what they refer to
            _value(choice.then.expr, scope, findings)
            _value(choice.otherwise.expr, scope, findings)
        return UNKNOWN
    branch = choice.then if verdict else choice.otherwise
    if branch.problems:
        if findings is None:
            raise EvaluationError(branch.problems[0])
        findings.shapes += branch.problems
        return UNKNOWN
    return _value(branch.expr, scope, findings)


def truth(value: Any, scope: Scope) -> Any:
    """Return a boolean, or UNKNOWN, for a value that stands for a condition; text is the name of one (§6.14)."""
    if isinstance(value, bool) or value is UNKNOWN:
        return value
    if isinstance(value, str):
        return scope.condition(value)
    raise BadArgument(f"{types.shown(value)} is not a condition; it has to be true, false or the name of a condition")


@dataclass(slots=True)
class Reads:
    """A scope that answers like another and writes down which resources are read."""

    inner: Scope
    references: set[str] = field(default_factory=set)
    attributes_read: set[tuple[str, str, tuple[Any, ...]]] = field(default_factory=set)

    def parameter(self, name: str) -> Any:
        """Return what the inner scope does."""
        return self.inner.parameter(name)

    def reference_id(self, resource: str) -> Any:
        """Return what the inner scope does, and remember the resource."""
        self.references.add(resource)
        return self.inner.reference_id(resource)

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Return what the inner scope does, and remember the attribute."""
        self.references.add(resource)
        self.attributes_read.add((resource, name, path))
        return self.inner.attribute(resource, name, path)

    def attributes(self, resource: str) -> Any:
        """Return what the inner scope does, and remember every attribute it names."""
        self.references.add(resource)
        found = self.inner.attributes(resource)
        if isinstance(found, Mapping):
            self.attributes_read.update((resource, name, ()) for name in found)
        return found

    def file(self, name: str) -> str:
        """Return what the inner scope does."""
        return self.inner.file(name)

    def condition(self, name: str) -> Any:
        """Return what the inner scope does."""
        return self.inner.condition(name)

    def has_resource(self, name: str) -> bool:
        """Return what the inner scope does."""
        return self.inner.has_resource(name)

    def mapping(self, name: str) -> Any:
        """Return what the inner scope does."""
        return self.inner.mapping(name)

    def facade(self, part: str) -> Any:
        """Return what the inner scope does."""
        return self.inner.facade(part)

    def zones(self) -> list[str]:
        """Return what the inner scope does."""
        return self.inner.zones()

    def query(self, expression: str, data: Any) -> Any:
        """Return what the inner scope does."""
        return self.inner.query(expression, data)

    def check_query(self, expression: str) -> None:
        """Do what the inner scope does."""
        self.inner.check_query(expression)

    def spend(self, amount: int) -> None:
        """Do what the inner scope does."""
        self.inner.spend(amount)
