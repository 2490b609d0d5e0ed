"""resource_facade: a template that is used as a type reads what its user says of the resource (templates.md §6.5)."""

from __future__ import annotations

import pytest

from engine.model.errors import TemplateInvalid
from engine.model.states import Action, Status
from kit.engine_room import EngineRoom, hot

INNER = hot(
    {"leaf": {"value": {"list_join": ["/", [{"resource_facade": "deletion_policy"}]]}}},
    outputs={
        "role": {"value": {"resource_facade": "metadata"}},
        "policy": {"value": {"resource_facade": "update_policy"}},
    },
)


def outer(role: str) -> str:
    box = {"_type": "inner.yaml", "_metadata": {"role": role, "of": {"get_resource": "other"}}}
    outputs = {"role": {"value": {"get_attr": ["box", "role"]}}, "policy": {"value": {"get_attr": ["box", "policy"]}}}
    return hot({"box": {**box, "_deletion_policy": "Retain", "_update_policy": {"n": 1}}, "other": {}}, outputs=outputs)


def test_a_nested_template_is_told_of_the_resource_it_stands_for_and_of_every_change(room: EngineRoom) -> None:
    identity = room.create("s", outer("db"), files={"inner.yaml": INNER})
    assert room.wait(identity).state == (Action.CREATE, Status.COMPLETE)

    other = room.row(identity, "other").reference_id
    assert room.outputs(identity) == {"role": {"role": "db", "of": other}, "policy": {"n": 1}}
    nested = room.row(identity, "box").nested_stack_id
    assert nested is not None
    assert [row.properties["value"] for row in room.rows(nested)] == ["Retain"]

    room.update(identity, outer("web"), files={"inner.yaml": INNER})
    assert room.wait(identity).state == (Action.UPDATE, Status.COMPLETE)
    assert room.outputs(identity)["role"] == {"role": "web", "of": other}


def test_a_nested_stack_that_is_updated_by_itself_stands_for_the_same_resource(room: EngineRoom) -> None:
    identity = room.create("s", outer("db"), files={"inner.yaml": INNER})
    room.wait(identity)
    nested = room.row(identity, "box").nested_stack_id
    assert nested is not None
    inside = room.stack(nested).identity
    room.update(inside, existing=True, tags=["mine"])

    assert str(room.wait(inside).state) == "UPDATE_COMPLETE"
    assert [row.properties["value"] for row in room.rows(nested)] == ["Retain"]


def test_a_root_template_stands_for_nothing(room: EngineRoom) -> None:
    with pytest.raises(TemplateInvalid, match="only a template that is used as a resource type"):
        room.create("s", INNER)
