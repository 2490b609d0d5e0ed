"""JSON trees as google.protobuf.Value and Struct, and back: the one module that knows what a Struct can't hold.

Called by the other modules of convert, on hot paths: trees are walked directly, without a detour over JSON text. What
a reader could not guess:

- A Struct has only doubles. Whole numbers come back as integers, so 1.0 comes back as 1; an integer beyond ±2^53
  travels as a decimal string, because a double would change it.
- NaN and the infinities are not JSON. They leave as the strings that protobuf's own JSON form uses; coming in they
  are refused.
- Readers of protobuf give up on messages about a hundred levels deep, and a map takes three levels. Whatever is nested
  deeper than `MAX_DEPTH` leaves as JSON text, so that one odd value does not make a whole answer unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf, isfinite
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value

from engine.model.errors import Code, EngineError
from engine.model.problems import Path, PathPart, render_path

MAX_WHOLE: Final = 2**53  # the greatest integer up to which a double holds every integer
MAX_DEPTH: Final = 28  # maps and lists inside each other
_NULL: Final = NullValue.NULL_VALUE
_SPELLED: Final = {inf: "Infinity", -inf: "-Infinity"}


def to_value(value: Any) -> Value:
    """Return a JSON tree as a Value; raise TypeError for what is not JSON."""
    message = Value()
    _write(message, value, MAX_DEPTH)
    return message


def to_struct(tree: Mapping[str, Any], *, max_depth: int = MAX_DEPTH) -> Struct:
    """Return a JSON map as a Struct; keys that are not text are written as JSON writes them.

    `max_depth` is for a Struct that is deep inside other messages: how many maps and lists there may be inside each
    other, itself counted, so at least 1.
    """
    message = Struct()
    _write_map(message, tree, max_depth)
    return message


def to_list(items: Any) -> ListValue:
    """Return a JSON list as a ListValue."""
    message = ListValue()
    _write_list(message, items, MAX_DEPTH)
    return message


def from_value(message: Value, *path: PathPart) -> Any:
    """Return a Value as a JSON tree; raise INVALID_ARGUMENT for a number that is not finite, with its path."""
    return _read(message, path)


def from_struct(message: Struct, *path: PathPart) -> dict[str, Any]:
    """Return a Struct as a JSON map; raise as `from_value`."""
    return {key: _read(value, (*path, key)) for key, value in message.fields.items()}


def _write(message: Value, value: Any, depth: int) -> None:
    if isinstance(value, str):
        message.string_value = value
    elif value is None:
        message.null_value = _NULL
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int):
        if -MAX_WHOLE <= value <= MAX_WHOLE:
            message.number_value = value
        else:
            message.string_value = str(value)
    elif isinstance(value, float):
        _write_float(message, value)
    elif isinstance(value, Mapping | list | tuple):
        _write_tree(message, value, depth)
    else:
        raise TypeError(f"{type(value).__name__} is not JSON")


def _write_float(message: Value, value: float) -> None:
    if isfinite(value):
        message.number_value = value
    else:
        message.string_value = _SPELLED.get(value, "NaN")


def _write_tree(message: Value, value: Any, depth: int) -> None:
    if depth == 0:
        message.string_value = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()  # an empty map is a map, too
        _write_map(message.struct_value, value, depth)
    else:
        message.list_value.SetInParent()
        _write_list(message.list_value, value, depth)


def _write_map(message: Struct, tree: Mapping[Any, Any], depth: int) -> None:
    fields = message.fields
    for key, value in tree.items():
        _write(fields[key if isinstance(key, str) else _key(key)], value, depth - 1)


def _write_list(message: ListValue, items: Any, depth: int) -> None:
    add = message.values.add
    for item in items:
        _write(add(), item, depth - 1)


def _key(key: Any) -> str:
    return str(key) if isinstance(key, int | float) and not isinstance(key, bool) else json.dumps(key)


def _read(message: Value, path: Path) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "string_value":
        return message.string_value
    if kind == "number_value":
        return _number(message.number_value, path)
    if kind == "bool_value":
        return message.bool_value
    if kind == "struct_value":
        return {key: _read(value, (*path, key)) for key, value in message.struct_value.fields.items()}
    if kind == "list_value":
        return [_read(value, (*path, index)) for index, value in enumerate(message.list_value.values)]
    return None  # null, or a Value that nobody filled


def _number(value: float, path: Path) -> int | float:
    if not isfinite(value):
        where = render_path(path)
        raise EngineError(Code.INVALID_ARGUMENT, f"{where}: {value} is not a number of JSON", field=where)
    if value.is_integer() and -MAX_WHOLE <= value <= MAX_WHOLE:
        return int(value)
    return value
