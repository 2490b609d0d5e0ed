"""What ValidateTemplate answers about a template that is in order (templates.md §12.9, rpc.md §2.4 and §3.7).

Called by usecases with a target that was built without values. Keys are those of the answer.
"""

from __future__ import annotations

from typing import Any, assert_never

from engine.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from engine.template import coercion, parse
from engine.template.declarations import ParameterSchema
from engine.template.environment import Environment
from engine.template.wanted import Target


def report(target: Target, *, show_nested: bool = False) -> dict[str, Any]:
    """Return description, parameters, groups, environment; with `show_nested` also parameters of what is nested."""
    found: dict[str, Any] = {
        "Description": description_of(target),
        "Parameters": parameters_of(target),
        "Environment": target.environment.as_map(),
    }
    if target.template.parameter_groups:
        found["ParameterGroups"] = [dict(group) for group in target.template.parameter_groups]
    if show_nested and target.nested:
        found["NestedParameters"] = _nested(target)
    return found


def description_of(target: Target) -> str:
    """Return the template's description; empty where it has none."""
    text = target.template.description
    return "" if text == parse.NO_DESCRIPTION else text


def parameters_of(target: Target) -> dict[str, dict[str, Any]]:
    """Return what is to be known about every parameter, by name."""
    return {name: _parameter(schema, target.environment) for name, schema in target.template.parameters.items()}


def _nested(target: Target) -> dict[str, dict[str, Any]]:
    found = {}
    for name, inner in target.nested.items():
        entry: dict[str, Any] = {
            "Type": target.declarations[name].type,
            "Description": description_of(inner),
            "Parameters": parameters_of(inner),
        }
        if inner.template.parameter_groups:
            entry["ParameterGroups"] = [dict(group) for group in inner.template.parameter_groups]
        if inner.nested:
            entry["NestedParameters"] = _nested(inner)
        found[name] = entry
    return found


def _parameter(schema: ParameterSchema, environment: Environment) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Type": coercion.CFN_NAMES[schema.type],
        "Description": schema.description,
        "NoEcho": "true" if schema.hidden else "false",
        "Label": schema.label or schema.name,
    }
    default = environment.parameter_defaults.get(schema.name)
    if default is None:
        default = schema.default
    if default is not None:
        found["Default"] = default
    value = environment.parameters.get(schema.name)
    if value:
        found["Value"] = coercion.HIDDEN if schema.hidden else value
    if schema.tags:
        found["Tags"] = list(schema.tags)
    for constraint in schema.constraints:
        found |= constraint_keys(constraint)
    texts = [one.description for one in schema.constraints if one.description is not None]
    if texts:
        found["ConstraintDescription"] = " ".join(texts)
    return found


def constraint_keys(constraint: Constraint) -> dict[str, Any]:
    """Return what a constraint is among the keys of a parameter."""
    match constraint:
        case Range(least, most):
            return given(MinValue=least, MaxValue=most)
        case Length(least, most):
            return given(MinLength=least, MaxLength=most)
        case Modulo(step, offset):
            return {"Step": step, "Offset": offset}
        case AllowedValues(allowed):
            return {"AllowedValues": list(allowed)}
        case AllowedPattern(pattern):
            return {"AllowedPattern": pattern}
        case CustomConstraint(name):
            return {"CustomConstraint": name}
        case _:
            assert_never(constraint)


def given(**bounds: float | None) -> dict[str, float]:
    """Return the bounds that there are, by key."""
    return {key: value for key, value in bounds.items() if value is not None}
