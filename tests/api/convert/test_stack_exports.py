"""Stacks as data, as messages: whatever is in them can be written, and read on the other side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from isotherm.v1 import snapshot_pb2, stack_export_pb2

from engine.api.convert import snapshots, stack_exports, values
from engine.model.ids import SnapshotId, StackId
from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status

DEEP = 200  # maps or lists inside each other, far more than any message takes


def tree(depth: int, *, of_lists: bool = False) -> Any:
    """Return so many maps, or a map of so many lists, inside each other."""
    found: Any = "core"
    for _ in range(depth):
        found = [found] if of_lists else {"k": found}
    return {"k": found} if of_lists else found


def resource(metadata: Any) -> dict[str, Any]:
    return {
        "name": "it",
        "resource_id": None,
        "type": "T",
        "action": "CREATE",
        "status": "COMPLETE",
        "metadata": metadata,
        "resource_data": {},
    }


def stack(nested: int, metadata: Any) -> dict[str, Any]:
    """Return a stack with so many others inside each other, all of them with the same metadata and environment."""
    found: dict[str, Any] = {}
    for level in range(nested + 1):
        found = {
            "name": f"s{nested - level}",
            "id": "i",
            "action": "CREATE",
            "status": "COMPLETE",
            "environment": {"parameters": metadata},
            "files": {},
            "template": "t",
            "project_id": "p",
            "stack_user_project_id": "",
            "tags": [],
            "resources": {"it": resource(metadata), **({"box": found} if found else {})},
        }
    return found


def exported(payload: dict[str, Any]) -> stack_export_pb2.ExportStackResponse:
    message = stack_exports.exported(payload)
    return stack_export_pb2.ExportStackResponse.FromString(message.SerializeToString())


def listed(payload: dict[str, Any]) -> snapshot_pb2.StackListSnapshotsResponse:
    taken = datetime(2026, 1, 1, tzinfo=UTC)
    record = SnapshotRecord(
        SnapshotId("x"), StackId("i"), "", "p", Action.CREATE, Status.COMPLETE, "", taken, data=payload
    )
    message = snapshots.page([record], "")
    return snapshot_pb2.StackListSnapshotsResponse.FromString(message.SerializeToString())


def inside(message: stack_export_pb2.StackExport, levels: int) -> stack_export_pb2.StackExport:
    for _ in range(levels):
        message = message.resources["box"].stack
    return message


@pytest.mark.parametrize("of_lists", [pytest.param(False, id="maps"), pytest.param(True, id="lists")])
@pytest.mark.parametrize("nested", [0, 1, 5, 26, 27, 28, 29, 200])
def test_the_deepest_metadata_of_the_deepest_stacks_can_be_written_and_read(nested: int, *, of_lists: bool) -> None:
    payload = stack(nested, tree(DEEP, of_lists=of_lists))

    answer = exported(payload)

    assert json.loads(answer.adopt_stack_data) == payload
    assert set(answer.stack.resources["it"].metadata) == {"k"}
    assert listed(payload).snapshots[0].data.name == "s0"


def test_what_stacks_usually_hold_is_there_as_it_is_however_deep_they_are() -> None:
    metadata = tree(20)

    found = inside(exported(stack(5, metadata)).stack, 5).resources["it"].metadata

    assert values.from_struct(found) == metadata


def test_of_stacks_that_are_too_deep_for_a_message_only_what_they_are_is_told() -> None:
    message = exported(stack(60, {})).stack
    levels = 0
    while "box" in message.resources:
        message, levels = message.resources["box"].stack, levels + 1

    assert (message.name, message.template, dict(message.resources)) == (f"s{levels}", "t", {})
    assert 20 < levels < 60
