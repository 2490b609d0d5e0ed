"""Messages as plain data: what `-o json` and `-o yaml` print, and tables take their cells from.

The JSON form of protobuf is not it: enums come out in full ("STACK_ACTION_CREATE"), and fields that happen to
be empty are missing, so that a script could not rely on a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

_IN_ONE_PIECE: Final = "google.protobuf."  # Struct, Value and Timestamp have a JSON form that is their meaning


def plain(message: Message) -> dict[str, Any]:
    """Return every field of a message by name; what may be absent and is reads None."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def state(values: Mapping[str, Any], noun: str) -> str:
    """Return `CREATE_COMPLETE` of the fields `<noun>_action` and `<noun>_status`; "" in a preview."""
    return "_".join(part for part in (values[f"{noun}_action"], values[f"{noun}_status"]) if part)


def of_stack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack with what people look for first: its id, and its state in one word."""
    identity = values["stack_identity"] or {"stack_id": ""}
    status, reason = state(values, "stack"), values["stack_status_reason"]
    return {**values, "id": identity["stack_id"], "status": status, "status_reason": reason}


def of_resource(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource, or an event of one, with its state in one word."""
    status, reason = state(values, "resource"), values["resource_status_reason"]
    return {**values, "status": status, "status_reason": reason}


# Descriptors are Any: at run time they are of the C implementation, which no published type describes.


def enum_name(descriptor: Any, number: int) -> str:
    """Return the name of a value without the name of its enum; "" if it is unspecified."""
    first = descriptor.values[0].name.removesuffix("UNSPECIFIED")
    value = descriptor.values_by_number.get(number)
    if value is None:
        return str(number)  # from a newer engine
    return value.name.removeprefix(first) if value.number else ""


def _field(message: Message, field: Any) -> Any:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        element = field.message_type.fields_by_name["value"]
        return {key: _value(value[key], element) for key in sorted(value)}
    if field.is_repeated:
        return [_value(item, field) for item in value]
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if field.message_type is None:
        return value
    if field.message_type.full_name.startswith(_IN_ONE_PIECE):
        return _whole(json_format.MessageToDict(value))
    return plain(value)


def _whole(value: Any) -> Any:
    """Return JSON with whole numbers whole; a Struct has only doubles."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {key: _whole(item) for key, item in value.items()} if isinstance(value, dict) else value
