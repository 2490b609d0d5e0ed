"""The door of the template floor: a template made into what a walk leads to, and its expressions evaluated on the way.

Called by usecases, plan and runtime. `build` is a pure function; all that it finds wrong it raises at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NotRequired, Required, TypedDict, Unpack

from engine.model.errors import TemplateInvalid
from engine.model.problems import Problem
from engine.schema.constraints import ANY_CUSTOM, Custom
from engine.schema.properties import Resolved
from engine.template import (
    checker,
    dialects,
    environment,
    expressions,
    nested,
    parameters,
    parse,
    resource_check,
    scopes,
    session,
    wanted,
)
from engine.template.declarations import Template
from engine.template.environment import Environment
from engine.template.expressions import ABSENT, EvaluationError, Facade, Literal, OutOfBudget, Scope
from engine.template.facts import NO_LIMIT, NO_QUERIES, Facts, Meter, TimeLimit
from engine.template.queries import Queries
from engine.template.source import DEFAULT_LIMITS, Document, Limits

# What other floors know by these names lives in modules of its own, because `checker` makes it.
Catalogue = wanted.Catalogue
Declaration = wanted.Declaration
NodeValue = scopes.NodeValue
Output = wanted.Output
Target = wanted.Target
UNKNOWN_NODE: Final = scopes.UNKNOWN_NODE
attribute_key = scopes.attribute_key

NO_DESCRIPTION: Final = "No description given"  # of an output


class PropertiesInvalid(TemplateInvalid):
    """Properties are wrong with the values that they have on the walk."""


class Inputs(TypedDict):
    """What a template is applied to."""

    environment: Required[Environment]
    operator: NotRequired[Mapping[str, Any]]  # the operator's resource_registry, below that of the environment
    catalogue: Required[Catalogue]
    files: NotRequired[Mapping[str, str]]
    pseudo: NotRequired[Mapping[str, str]]  # values of the pseudo parameters of both families
    facade: NotRequired[Facade | None]  # of a template that is used as a resource type
    strict: NotRequired[bool]  # False: values of parameters need not be there, and are not checked
    limits: NotRequired[Limits]
    custom: NotRequired[Custom]  # the custom constraints; not given: each is taken as kept
    queries: NotRequired[Queries]  # who computes yaql; not given: nobody
    check_limit: NotRequired[TimeLimit]  # for checking the template
    limit: NotRequired[TimeLimit]  # for what is evaluated later: all of a resource on a walk, or all outputs


def build(template: Template, **inputs: Unpack[Inputs]) -> Target:
    """Return the target; raise `TemplateInvalid` with all problems, nested templates included (templates.md §18)."""
    limits = inputs.get("limits", DEFAULT_LIMITS)
    shared = session.Session(
        catalogue=inputs["catalogue"],
        operator=inputs.get("operator", {}),
        files=inputs.get("files", {}),
        limits=limits,
        strict=inputs.get("strict", True),
        custom=inputs.get("custom", ANY_CUSTOM),
        queries=inputs.get("queries", NO_QUERIES),
        meter=Meter(limits.max_growth, inputs.get("check_limit", NO_LIMIT)),
        limit=inputs.get("limit", NO_LIMIT),
    )
    level = session.Level(inputs.get("pseudo", {}), facade=inputs.get("facade"))
    check = checker.Checker(template, inputs["environment"], shared, level)
    try:
        target = check.run()
    except OutOfBudget as error:
        raise TemplateInvalid([error.problem]) from None
    if check.problems:
        raise TemplateInvalid(checker.in_order(check.problems))
    return target


def scope_of(target: Target, values: Mapping[str, NodeValue]) -> Scope:
    """Return the scope in which the target's expressions are evaluated, given what was visited so far."""
    return scopes.WalkScope(target.facts.renewed(), target.conditions, target.declarations, values)


def evaluate_properties(declaration: Declaration, scope: Scope, custom: Custom = ANY_CUSTOM) -> Resolved:
    """Return the properties with their values in the scope, and all problems with them."""
    if declaration.is_settled:
        return Resolved(dict(declaration.explored.values))
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, expr in declaration.properties.items():
        try:
            value = expr.value if type(expr) is Literal else expressions.evaluate(expr, scope)
        except EvaluationError as error:
            problems.append(error.problem)
            continue
        if value is not ABSENT:
            given[name] = value
    resolved = resource_check.resolve(declaration.schema, given, custom)
    if not problems and not resolved.problems:
        return resolved
    placed = map(declaration.placed, resolved.problems)
    return Resolved(resolved.values, (*problems, *placed))


def evaluate_metadata(declaration: Declaration, scope: Scope) -> dict[str, Any]:
    """Return the metadata with its values in the scope; raise `EvaluationError` where it has none."""
    if declaration.metadata is None:
        return {}
    found = expressions.evaluate(declaration.metadata, scope)
    if isinstance(found, Mapping):
        return dict(found)
    return {}


def evaluate_facade(declaration: Declaration, scope: Scope) -> Facade | None:
    """Return what the template behind the type is told of the resource; None: it asks for nothing.

    An update policy makes no dependencies, so what it reads of a resource may not be there yet (templates.md §16).
    """
    if declaration.facade is None:
        return None
    policy = {} if declaration.update_policy is None else expressions.evaluate(declaration.update_policy, scope)
    return Facade(evaluate_metadata(declaration, scope), declaration.deletion_policy, policy)


def fingerprint_of(declaration: Declaration, scope: Scope) -> str:
    """Return the hash over what a resource is made of beside its properties; raise `EvaluationError` without one."""
    return nested.fingerprint_with(declaration.fingerprint, evaluate_facade(declaration, scope))


def evaluate_external_id(declaration: Declaration, scope: Scope) -> str | None:
    """Return the id of the thing that stands for the resource; None: it is built. Raise `EvaluationError`."""
    if declaration.external_id is None:
        return None
    return str(expressions.evaluate(declaration.external_id, scope))


def evaluate_outputs(target: Target, values: Mapping[str, NodeValue]) -> list[Output]:
    """Return every output; one that has no value says why, and is no error of the stack (templates.md §10.1)."""
    scope = scope_of(target, values)
    return [_output(target, name, scope) for name in target.template.outputs]


def _output(target: Target, name: str, scope: Scope) -> Output:
    declared = target.template.outputs[name]
    description = declared.description or NO_DESCRIPTION
    try:
        if declared.condition is not None and expressions.evaluate(declared.condition, scope) is False:
            return Output(name, description)
        value = expressions.evaluate(declared.value, scope)
    except EvaluationError as error:
        return Output(name, description, error=str(error.problem))
    return Output(name, description, None if value is ABSENT else value)


def _empty() -> Target:
    template = parse.parse(Document({dialects.HOT: dialects.newest()}))
    facts = Facts(parameters.ParameterValues({}))
    return Target(template, facts, environment.EMPTY, scopes.Conditions({}, facts), {}, {})


EMPTY: Final = _empty()  # what a delete walks to
