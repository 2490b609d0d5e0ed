"""Functions that read what is outside: get_param, get_resource, get_attr, get_file (templates.md §6.1 to 6.4).

Only these can make one resource wait for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.errors import Code
from engine.schema import paths, types
from engine.schema.types import UNKNOWN
from engine.template.expressions import BadArgument, Scope
from engine.template.functions import growth
from engine.template.intrinsics import function, list_of


@function("get_param", in_conditions_since="2016-10-14")
def get_param(arguments: Any, scope: Scope) -> Any:
    """Yield the value of a parameter, or what stands at a path inside it."""
    name, *path = arguments if isinstance(arguments, list) and arguments else [arguments]
    if not isinstance(name, str) or not name:
        raise BadArgument(f"{types.shown(arguments)} has to be the name of a parameter, or begin with one")
    value = scope.parameter(name)
    for step in path:
        if value is UNKNOWN:
            return value
        value = _step(value, step)
    return growth.read(value, scope)


def _step(value: Any, step: Any) -> Any:
    """Return what is one step inside a parameter's value; a path that leads nowhere yields the empty string."""
    if isinstance(step, bool) or not isinstance(step, str | int):
        return ""
    try:
        if isinstance(value, Mapping):
            return value[step]
        if isinstance(value, list | str):
            return value[int(step)]
    except (KeyError, IndexError, ValueError):
        pass
    return ""


@function("get_resource", sees_unknown=True)
def get_resource(arguments: Any, scope: Scope) -> Any:
    """Yield the reference id of a resource."""
    return scope.reference_id(_resource_name(arguments))


@function("get_file")
def get_file(arguments: Any, scope: Scope) -> str:
    """Yield the text of a file that came with the template."""
    if not isinstance(arguments, str):
        raise BadArgument(f"{types.shown(arguments)} has to be the name of a file")
    text: str = growth.read(scope.file(arguments), scope)
    return text


@function("get_attr", until="2013-05-23", sees_unknown=True, shape=list_of(2))
def get_attr_then_select(arguments: Any, scope: Scope) -> Any:
    """Yield an attribute of a resource, or what stands at a path inside it."""
    resource, name, *path = _attribute_arguments(arguments)
    if name is UNKNOWN:
        scope.attributes(resource)
        return UNKNOWN
    return growth.read(paths.select(scope.attribute(resource, _attribute_name(name), ()), path), scope)


@function("get_attr", since="2014-10-16", until="2015-04-30", sees_unknown=True, shape=list_of(2))
def get_attr(arguments: Any, scope: Scope) -> Any:
    """Yield an attribute of a resource; the resource may interpret the path."""
    return _get_attr(arguments, scope)


@function("get_attr", since="2015-10-15", sees_unknown=True, shape=list_of(1))
def get_attr_or_all(arguments: Any, scope: Scope) -> Any:
    """Yield an attribute of a resource, or without a name a map of all of them."""
    return _get_attr(arguments, scope)


def _get_attr(arguments: Any, scope: Scope) -> Any:
    resource, *rest = _attribute_arguments(arguments)
    if not rest:
        return growth.read(scope.attributes(resource), scope)
    name, *path = rest
    if name is UNKNOWN:
        scope.attributes(resource)  # any of them may be meant
        return UNKNOWN
    if not all(isinstance(step, str | int) for step in path):  # a step not known yet, or one that leads nowhere
        scope.attribute(resource, _attribute_name(name), ())
        return UNKNOWN if types.contains_unknown(path) else None
    return growth.read(scope.attribute(resource, _attribute_name(name), tuple(path)), scope)


def _attribute_arguments(arguments: Any) -> list[Any]:
    if not isinstance(arguments, list) or not arguments:
        raise BadArgument("the arguments have to be a list: resource, attribute, path")
    return [_resource_name(arguments[0]), *arguments[1:]]


def _attribute_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise BadArgument(f"{types.shown(name)} has to be the name of an attribute")


def _resource_name(name: Any) -> str:
    if name is UNKNOWN:
        raise BadArgument(
            "the name of a resource has to be known before the walk; it can't come from another resource",
            Code.INVALID_TEMPLATE_REFERENCE,
        )
    if isinstance(name, str):
        return name
    raise BadArgument(f"{types.shown(name)} has to be the name of a resource", Code.INVALID_TEMPLATE_REFERENCE)
