"""Stacks read as data, whole trees of them."""

from __future__ import annotations

from dataclasses import replace

from engine.model.ids import StackIdentity
from engine.model.states import Action, Status
from engine.runtime import exports
from kit import databases
from kit.engine_room import EngineRoom, hot

FILES = {"inner.yaml": hot({"x": {"value": "in"}, "deep": {"_type": "deep.yaml"}}), "deep.yaml": hot({"y": {}})}


def created(room: EngineRoom, template: str) -> StackIdentity:
    identity = room.create("s", template, files=FILES)
    room.wait(identity)
    return identity


def test_a_stack_is_read_with_what_it_declares_and_what_stands_in_it(room: EngineRoom) -> None:
    template = hot({"a": {"value": "x"}, "b": {"_metadata": {"role": "db"}}})
    stack = room.stack(created(room, template).stack_id)
    with databases.statements(room.db) as seen, room.db.read() as tx:
        payload = exports.read(tx, stack)

    assert (payload["name"], payload["id"], payload["template"]) == ("s", stack.id, template)
    assert (payload["action"], payload["status"]) == ("CREATE", "COMPLETE")
    rows = {row.name: row.physical_id for row in room.rows(stack.id)}
    assert {name: entry["resource_id"] for name, entry in payload["resources"].items()} == rows
    assert payload["resources"]["a"]["resource_data"] == {"value": "x"}
    assert payload["resources"]["b"]["metadata"] == {"role": "db"}
    assert len(seen) == 3


def test_action_and_status_are_those_of_the_stack_as_given(room: EngineRoom) -> None:
    stack = room.stack(created(room, hot({"a": {}})).stack_id)
    with room.db.read() as tx:
        payload = exports.read(tx, replace(stack, action=Action.SNAPSHOT, status=Status.FAILED))

    assert (payload["action"], payload["status"]) == ("SNAPSHOT", "FAILED")


def test_a_tree_is_read_in_few_statements_however_many_stacks_it_has(room: EngineRoom) -> None:
    stack = room.stack(created(room, hot({name: {"_type": "inner.yaml"} for name in "abc"})).stack_id)
    with databases.statements(room.db) as seen, room.db.read() as tx:
        payload = exports.read(tx, stack)

    for name in "abc":
        inner = payload["resources"][name]
        assert (inner["id"], inner["template"]) == (room.row(stack.identity, name).nested_stack_id, FILES["inner.yaml"])
        assert inner["resources"]["x"]["resource_data"] == {"value": "in"}
        assert list(inner["resources"]["deep"]["resources"]) == ["y"]
    assert len(seen) == 5


def test_a_nested_stack_is_read_without_what_is_around_it(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"_type": "inner.yaml"}, "b": {"_type": "inner.yaml"}}))
    inner = room.stack(room.row(identity, "a").nested_stack_id or "")
    with room.db.read() as tx:
        whole, part = exports.read(tx, room.stack(identity.stack_id)), exports.read(tx, inner)

    assert part == whole["resources"]["a"]
