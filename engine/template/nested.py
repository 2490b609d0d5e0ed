"""Templates used as resource types: their interface, and what becomes of the properties (templates.md §17).

Called by `target`. Parameters become properties, outputs become attributes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from engine.schema import types
from engine.schema.attributes import AttributeSchema
from engine.schema.properties import OnChange, PropertySchema
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN, Kind
from engine.template import coercion
from engine.template.declarations import ParameterSchema, ParameterType, Template
from engine.template.environment import Environment
from engine.template.expressions import Facade

_FACADE_FUNCTIONS: Final = ("resource_facade", "Fn::ResourceFacade")
_LOOSE: Final = (ParameterType.LIST, ParameterType.JSON)


def interface_of(template: Template, environment: Environment, type_name: str, *, strict: bool = True) -> TypeSchema:
    """Return a template's interface as a resource type (templates.md §17.1).

    Not strict is for a template without values: no property is required then, because the environment that comes with
    the values may have defaults for them.
    """
    outputs = template.outputs.values()
    found = {name: _property(one, environment) for name, one in template.parameters.items()}
    return TypeSchema(
        type_name=type_name,
        properties=found if strict else {name: replace(one, required=False) for name, one in found.items()},
        attributes={one.name: AttributeSchema(description=one.description) for one in outputs},
        description=template.description,
        any_attribute=True,  # resource.<name> reaches inside; what is not there is noticed when it is read
        is_template=True,
    )


def _property(schema: ParameterSchema, environment: Environment) -> PropertySchema:
    """Return the property of a parameter. The default stays inside: a property that is not given is not passed."""
    defaulted = environment.parameter_defaults.get(schema.name) is not None
    kind = coercion.KINDS[schema.type]
    return PropertySchema(
        kind=kind,
        description=schema.description,
        required=not schema.has_default and not defaulted,
        on_change=OnChange.UPDATE,
        constraints=schema.constraints,
        allow_conversion=schema.type in _LOOSE,
    )


def parameters_for(schemas: Mapping[str, PropertySchema], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the stack inside, from resolved properties; what is not given is not passed (§17.2)."""
    return {
        name: _passed(schemas[name].kind, value)
        for name, value in values.items()
        if value is not None and name in schemas
    }


def _passed(kind: Kind, value: Any) -> Any:
    if kind is not Kind.LIST or not isinstance(value, list):
        return value
    if types.contains_unknown(value):
        return UNKNOWN
    if value and isinstance(value[0], Mapping):
        return ",".join(_members(value))
    # As a list, so that an item with a comma in it stays one item.
    return ["" if item is None else item for item in value]


def _members(items: list[Any]) -> list[str]:
    """Return maps as the flat list of members that CloudFormation-style types expect."""
    return [
        f".member.{index}.{key}={coercion.text_of(item)}"
        for index, entries in enumerate(items)
        if isinstance(entries, Mapping)
        for key, item in entries.items()
    ]


def asks_for_facade(template: Template) -> bool:
    """Return whether a template may ask for the resource that it stands for; told by its text, so a comment may too."""
    return any(name in template.document.text for name in _FACADE_FUNCTIONS)


def fingerprint_with(fingerprint_: str, facade: Facade | None) -> str:
    """Return the fingerprint of a nested stack that is told of the resource it stands for."""
    if facade is None:
        return fingerprint_
    return _hashed([fingerprint_, facade.as_map()])


def fingerprint(file: str, files_print: str, environment: Environment) -> str:
    """Return a hash over all that a nested stack is made of but its parameters: a change of it is a change to walk to.

    All files of the request count (`fingerprint_of_files`), because any of them may be read inside; `file` says which
    of them is the template.
    """
    inner = replace(environment, parameters={}).as_map()
    return _hashed([file, files_print, inner])


def fingerprint_of_files(files: Mapping[str, str]) -> str:
    """Return a hash over the names and texts of all files of a request."""
    return _hashed(sorted(files.items()))


def _hashed(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
