"""Stacks as data, as messages and as the text that can be adopted again (rpc.md §2.8).

What a reader could not guess: a nested stack takes as many levels of messages as a map inside a Struct does. So each
level of nesting takes one from the depth that is left for Structs (values.py says why there is an end to it).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from isotherm.v1 import stack_export_pb2 as pb

from engine.api.convert import identities, values
from engine.plan import export
from engine.plan.export import Payload

_DEEPEST: Final = values.MAX_DEPTH - 1  # how far inside a stack can be told with what is in it


def stack(payload: Mapping[str, Any], *, level: int = 0) -> pb.StackExport:
    """Return the data of a stack as a message; `text` alone holds every value exactly, however deep.

    `level`: inside how many others it is. Of one that is too far inside for a message, no resources are told.
    """
    max_depth = values.MAX_DEPTH - level
    resources = payload["resources"] if level < _DEEPEST else {}
    return pb.StackExport(
        name=payload["name"],
        id=payload["id"],
        action=identities.STACK_ACTION[payload["action"]],
        status=identities.STATUS[payload["status"]],
        environment=values.to_struct(payload["environment"], max_depth=max_depth),
        files=payload["files"],
        template=payload["template"],
        resources={name: _resource(entry, level) for name, entry in resources.items()},
        project_id=payload["project_id"],
        stack_user_project_id=payload["stack_user_project_id"],
        tags=payload["tags"],
    )


def text(payload: Payload) -> str:
    """Return the data of a stack as CreateStackRequest.adopt_stack_data takes them."""
    return json.dumps(payload)


def exported(payload: Payload) -> pb.ExportStackResponse:
    """Return the answer to an export."""
    return pb.ExportStackResponse(stack=stack(payload), adopt_stack_data=text(payload))


def abandoned(payload: Payload) -> pb.AbandonStackResponse:
    """Return the answer to an abandon."""
    return pb.AbandonStackResponse(stack=stack(payload), adopt_stack_data=text(payload))


def _resource(entry: Mapping[str, Any], level: int) -> pb.ExportedResource:
    if not entry:  # a resource that is a stack, which there is none of
        return pb.ExportedResource(stack=pb.StackExport())
    if export.is_stack(entry):
        return pb.ExportedResource(stack=stack(entry, level=level + 1))
    return pb.ExportedResource(
        name=entry["name"],
        resource_id=entry["resource_id"] or "",
        type=entry["type"],
        action=identities.RESOURCE_ACTION[entry["action"]],
        status=identities.STATUS[entry["status"]],
        metadata=values.to_struct(entry["metadata"], max_depth=values.MAX_DEPTH - level),
        resource_data={key: _text(value) for key, value in entry["resource_data"].items()},
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
