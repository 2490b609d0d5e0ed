"""What a parameter makes of the value it is given, and how that is shown (templates.md §12.2).

Called by `parameters` and `parameter_schemas`. Looser than what properties accept: people type parameters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, assert_never

from engine.schema import types
from engine.schema.types import UNKNOWN, BadValue, Kind
from engine.template import source, tree
from engine.template.declarations import ParameterType
from engine.template.source import DEFAULT_LIMITS

HIDDEN: Final = "******"
KINDS: Final[Mapping[ParameterType, Kind]] = {
    ParameterType.STRING: Kind.STRING,
    ParameterType.NUMBER: Kind.NUMBER,
    ParameterType.BOOLEAN: Kind.BOOLEAN,
    ParameterType.LIST: Kind.LIST,
    ParameterType.JSON: Kind.MAP,
}
TYPES: Final[Mapping[Kind, ParameterType]] = {  # of the parameter that holds a property's value; none holds any value
    **{kind: parameter_type for parameter_type, kind in KINDS.items()},
    Kind.INTEGER: ParameterType.NUMBER,
}
CFN_NAMES: Final[Mapping[ParameterType, str]] = {  # as CloudFormation templates and the API write the types
    ParameterType.STRING: "String",
    ParameterType.NUMBER: "Number",
    ParameterType.BOOLEAN: "Boolean",
    ParameterType.LIST: "CommaDelimitedList",
    ParameterType.JSON: "Json",
}
_TRUE: Final = ("t", "true", "on", "y", "yes", "1")
_FALSE: Final = ("f", "false", "off", "n", "no", "0")


def coerce(kind: ParameterType, value: Any) -> Any:
    """Return a non-null value as the parameter's type has it; raise `BadValue` if it can't be had."""
    if value is UNKNOWN:
        return value
    match kind:
        case ParameterType.STRING:
            return text_of(value)
        case ParameterType.NUMBER:
            return types.number(value)
        case ParameterType.BOOLEAN:
            return _boolean(value)
        case ParameterType.LIST:
            return _list(value)
        case ParameterType.JSON:
            return _json(value)
        case _:
            assert_never(kind)


def coerce_or_keep(kind: ParameterType, value: Any) -> Any:
    """Return the value as the type has it, or as it is where that can't be had."""
    try:
        return coerce(kind, value)
    except BadValue:
        return value


def text_of(value: Any) -> str:
    """Return the text of any value: what a string parameter makes of it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=repr)
    return str(value)


def shown(kind: ParameterType, value: Any) -> str:
    """Return the text of a coerced value in the answers of the engine (rpc.md §2.1)."""
    if value is None or value is UNKNOWN:
        return ""
    if kind is ParameterType.LIST and isinstance(value, list):
        return ",".join(map(text_of, value))
    if kind is ParameterType.JSON and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=repr)
    return text_of(value)


def _boolean(value: Any) -> bool:
    word = str(value).lower() if isinstance(value, bool | int | str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue(f"{types.shown(value)} is not a boolean; write true or false")


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",") if value else []
    if isinstance(value, list | tuple):
        return [item if item is UNKNOWN else text_of(item) for item in value]
    raise BadValue(f"{types.shown(value)} is not a list, or text with commas")


def _json(value: Any) -> Any:
    if isinstance(value, str):
        return source.from_json(value) if value else value
    if not isinstance(value, Mapping | list | tuple | int | float) or _is_endless(value):
        raise BadValue(f"{types.shown(value)} is not JSON")
    wrong = tree.excess(value, DEFAULT_LIMITS.max_depth, DEFAULT_LIMITS.max_nodes)
    if wrong is not None:
        raise BadValue(wrong)
    return value


def _is_endless(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
