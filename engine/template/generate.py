"""A template to begin with: one resource of a type, a parameter for each property, an output for each attribute.

Called by usecases (templates.md §14.8, rpc.md §3.7 generate_template). What is generated is a valid template as it
stands, and that decides where Heat's generated templates are not: outputs are calls, not calls written down as JSON
text, and a list of maps is a json parameter, because text with commas can't carry it. Heat calls the resource after
the class that implements the type; here the last part of the type's name stands for the class.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

import yaml

from engine.schema import attributes, properties
from engine.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from engine.schema.properties import PropertySchema
from engine.schema.type_schema import TypeSchema
from engine.schema.types import Kind
from engine.template import coercion, dialects, parameter_schemas, validate
from engine.template.declarations import ParameterType
from engine.template.spelling import CFN_WORDS, HOT_WORDS, Words

_WIDTH: Final = 120  # columns of the text
_NAMES: Final[Mapping[type[Constraint], str]] = {  # of constraints, in HOT; neither of the two versions has `Modulo`
    Range: "range",
    Length: "length",
    AllowedValues: "allowed_values",
    AllowedPattern: "allowed_pattern",
    CustomConstraint: "custom_constraint",
}
_CFN_BOOLEANS: Final = ("True", "true", "False", "false")


class Form(StrEnum):
    """The family of template language to write."""

    HOT = "hot"  # heat_template_version 2016-10-14
    CFN = "cfn"  # HeatTemplateFormatVersion 2012-12-12


@dataclass(frozen=True, slots=True)
class _Grammar:
    """What a form calls the things that both have."""

    version_key: str
    version: str
    words: Words
    default: str
    get_param: str
    get_resource: str
    get_attr: str


_GRAMMARS: Final[Mapping[Form, _Grammar]] = {
    Form.HOT: _Grammar(dialects.HOT, "2016-10-14", HOT_WORDS, "default", "get_param", "get_resource", "get_attr"),
    Form.CFN: _Grammar(dialects.HEAT_CFN, "2012-12-12", CFN_WORDS, "Default", "Ref", "Ref", "Fn::GetAtt"),
}


class _Dumper(yaml.SafeDumper):
    """Writes block style with lists indented, and a shared value each time anew: nobody reads anchors with pleasure."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Write text that holds line ends in double quotes: in other styles a reader takes some of them for blanks."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)


def text(schema: TypeSchema, form: Form) -> str:
    """Return the template as YAML, in the order in which a person writes one; a version stays text, so it is quoted."""
    return yaml.dump(template(schema, form), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def template(schema: TypeSchema, form: Form) -> dict[str, Any]:
    """Return the template as plain data (templates.md §14.8).

    Hidden properties and attributes, and properties that are not implemented, are left out.
    """
    grammar = _GRAMMARS[form]
    words = grammar.words
    called = schema.type_name.rpartition("::")[2]
    wanted = properties.shown(schema.properties)
    resource = _resource_name(called, wanted)
    return {
        grammar.version_key: grammar.version,
        words.description: f"Initial template of {called}",
        words.parameters: {name: _parameter(one, form) for name, one in wanted.items()},
        words.resources: {
            resource: {
                words.type: schema.type_name,
                words.properties: {name: _value(name, one, form) for name, one in wanted.items()},
            }
        },
        words.outputs: _outputs(schema, resource, grammar),
    }


def _resource_name(called: str, taken: Mapping[str, Any]) -> str:
    """Return a name that no parameter has: one template has one name for one thing (templates.md §18)."""
    while called in taken:
        called += "Resource"
    return called


def _outputs(schema: TypeSchema, resource: str, grammar: _Grammar) -> dict[str, Any]:
    """Return an output for each attribute, and the one that lets the template stand in for the resource (§17.1)."""
    words = grammar.words
    outputs: dict[str, Any] = {
        name: {**_described(words, one.description), words.value: {grammar.get_attr: [resource, name]}}
        for name, one in attributes.shown(schema.attributes).items()
    }
    return {**outputs, "OS::stack_id": {words.value: {grammar.get_resource: resource}}}


def _described(words: Words, description: str) -> dict[str, str]:
    return {words.description: description} if description else {}


def _parameter(schema: PropertySchema, form: Form) -> dict[str, Any]:
    grammar, kind = _GRAMMARS[form], _parameter_type(schema)
    found = {
        grammar.words.type: coercion.CFN_NAMES[kind] if form is Form.CFN else kind.value,
        **_described(grammar.words, schema.description),
    }
    if schema.default is not None:
        found[grammar.default] = _default(schema)
    held_to = [one for one in schema.constraints if _is_legal(one, kind)]
    return found | (_cfn_constraints(held_to, kind) if form is Form.CFN else _hot_constraints(held_to, kind))


def _is_legal(constraint: Constraint, kind: ParameterType) -> bool:
    """Return whether a parameter can be held to it; the resource checks its properties in any case, though later."""
    name = _NAMES.get(type(constraint))
    return name is not None and parameter_schemas.is_legal(name, kind)


def _parameter_type(schema: PropertySchema) -> ParameterType:
    if schema.kind is Kind.LIST and _holds_trees(schema):
        return ParameterType.JSON
    if schema.kind is Kind.ANY:  # json is the only one that holds a value of every kind, and tells them apart
        return ParameterType.JSON
    return coercion.TYPES[schema.kind]


def _holds_trees(schema: PropertySchema) -> bool:
    """Return whether items of a list may be what text can't say, or can't be told from text afterwards."""
    if schema.items is not None:
        return schema.items.kind in (Kind.MAP, Kind.LIST, Kind.ANY)
    return not all(isinstance(item, str) for item in schema.default or ())


def _default(schema: PropertySchema) -> Any:
    """Return the default as the parameter takes it: a json parameter reads text as JSON."""
    if schema.kind is Kind.ANY and isinstance(schema.default, str):
        return json.dumps(schema.default, ensure_ascii=False)
    return _plain(schema.default)


def _plain(value: Any) -> Any:
    """Return a value made of nothing but what YAML has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _value(name: str, schema: PropertySchema, form: Form) -> dict[str, Any]:
    """Return what the property is: the parameter of its name."""
    call = {_GRAMMARS[form].get_param: name}
    if form is Form.CFN and _parameter_type(schema) is ParameterType.LIST:
        return {"Fn::Split": [",", call]}
    return call


def _hot_constraints(held_to: list[Constraint], kind: ParameterType) -> dict[str, Any]:
    items = []
    for constraint in held_to:
        written = _hot_constraint(constraint, kind)
        if written and constraint.description:
            written["description"] = constraint.description
        items += [written] if written else []
    return {"constraints": items} if items else {}


def _hot_constraint(constraint: Constraint, kind: ParameterType) -> dict[str, Any]:
    """Return an item of `constraints` (templates.md §12.3); empty: it can't be said."""
    match constraint:
        case Range(least, most):
            return _some("range", validate.given(min=least, max=most))
        case Length(least, most):
            return _some("length", validate.given(min=least, max=most))
        case AllowedValues(allowed):
            return {"allowed_values": _allowed(allowed, kind)}
        case AllowedPattern(pattern):
            return {"allowed_pattern": pattern}
        case CustomConstraint(name):
            return {"custom_constraint": name}
        case Modulo():
            return {}
        case _:
            assert_never(constraint)


def _cfn_constraints(held_to: list[Constraint], kind: ParameterType) -> dict[str, Any]:
    found: dict[str, Any] = {"AllowedValues": [*_CFN_BOOLEANS]} if kind is ParameterType.BOOLEAN else {}
    told = []
    for constraint in held_to:
        written = _cfn_constraint(constraint, kind)
        found |= written
        told += [constraint.description] if written and constraint.description else []
    return found | _some("ConstraintDescription", " ".join(told))


def _cfn_constraint(constraint: Constraint, kind: ParameterType) -> dict[str, Any]:
    """Return keys of a parameter (templates.md §12.1); empty: it can't be said."""
    match constraint:
        case AllowedValues(allowed):
            return {"AllowedValues": _allowed(allowed, kind)}
        case CustomConstraint() | Modulo():
            return {}
        case _:
            return validate.constraint_keys(constraint)


def _allowed(allowed: tuple[Any, ...], kind: ParameterType) -> list[Any]:
    """Return allowed values as the parameter compares them: items of a list are texts there."""
    return [coercion.text_of(one) if kind is ParameterType.LIST else _plain(one) for one in allowed]


def _some(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
