"""A stack from nothing: what is built, what is told, what stands after a failure."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from engine.store import events, resources
from kit.bench import CREATE
from kit.engine_room import HOT, ME, EngineRoom, hot


def told(room: EngineRoom, stack_id: str) -> list[tuple[str, str, str]]:
    with room.db.read() as tx:
        found = events.after(tx, root_id=stack_id, position=0, limit=100)
    return [(event.resource_name, f"{event.action}_{event.status}", event.reason) for event in found]


def test_a_create_of_one_resource_tells_four_events(room: EngineRoom) -> None:
    identity = room.create("one", hot({"it": {}}))
    stack = room.wait(identity)

    assert str(stack.state) == "CREATE_COMPLETE"
    assert told(room, stack.id) == [
        ("one", "CREATE_IN_PROGRESS", "Stack CREATE started"),
        ("it", "CREATE_IN_PROGRESS", "state changed"),
        ("it", "CREATE_COMPLETE", "state changed"),
        ("one", "CREATE_COMPLETE", "Stack CREATE completed successfully"),
    ]


def test_the_events_of_a_stack_are_numbered_without_a_gap_and_in_order(room: EngineRoom) -> None:
    identity = room.create("many", hot({f"r{number}": {} for number in range(30)}))
    room.wait(identity)
    with room.db.read() as tx:
        found = events.after(tx, root_id=identity.stack_id, position=0, limit=100)

    assert [event.sequence for event in found] == list(range(1, 63))
    assert [event.position for event in found] == sorted(event.position for event in found)


def test_events_survive_the_stack(room: EngineRoom) -> None:
    identity = room.create("gone", hot({"it": {}}))
    room.wait(identity)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert [event[:2] for event in told(room, identity.stack_id)[4:]] == [
        ("gone", "DELETE_IN_PROGRESS"),
        ("it", "DELETE_IN_PROGRESS"),
        ("it", "DELETE_COMPLETE"),
        ("gone", "DELETE_COMPLETE"),
    ]


def test_nothing_is_built_before_what_it_requires(room: EngineRoom) -> None:
    identity = room.create(
        "order",
        hot(
            {
                "c": {"value": {"get_attr": ["b", "value"]}},
                "b": {"value": {"get_resource": "a"}},
                "a": {"value": "x"},
                "d": {"_depends_on": "c"},
            }
        ),
    )
    room.wait(identity)

    assert room.bench.calls == [(CREATE, name) for name in "abcd"]
    assert room.row(identity, "b").properties["value"] == room.row(identity, "a").physical_id
    assert room.row(identity, "c").properties["value"] == room.row(identity, "a").physical_id


def test_a_failure_blocks_only_what_depends_on_it(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "bad"))
    identity = room.create("half", hot({"bad": {}, "after": {"_depends_on": "bad"}, "beside": {}}))
    stack = room.wait(identity)

    assert str(stack.state) == "CREATE_FAILED"
    assert stack.reason == "Resource CREATE failed: ResourceFailed: resources.bad: bad was told to fail"
    assert {row.name: str(row.state) for row in room.rows(stack.id)} == {
        "bad": "CREATE_FAILED",
        "beside": "CREATE_COMPLETE",
    }


def test_an_unknown_exception_of_a_plugin_fails_its_resource_and_says_its_class(room: EngineRoom) -> None:
    room.bench.breaks.add((CREATE, "it"))
    identity = room.create("odd", hot({"it": {}, "beside": {}}))

    assert room.wait(identity).reason == "Resource CREATE failed: KeyError: resources.it: 'a bug in a plugin'"
    assert room.row(identity, "beside").is_built


def test_conditions_switch_resources_on_and_off(room: EngineRoom) -> None:
    template = (
        HOT
        + """
parameters: {wide: {type: boolean}}
conditions: {is_wide: {get_param: wide}}
resources:
  always: {type: Test::Thing}
  sometimes: {type: Test::Thing, condition: is_wide}
outputs:
  said: {value: {if: [is_wide, {get_attr: [sometimes, value]}, nothing]}}
"""
    )
    identity = room.create("wide", template, parameters={"wide": True})
    room.wait(identity)
    with_it = {row.name for row in room.rows(identity.stack_id)}
    room.update(identity, template, parameters={"wide": False})
    room.wait(identity)

    assert with_it == {"always", "sometimes"}
    assert {row.name for row in room.rows(identity.stack_id)} == {"always"}
    assert list(room.bench.built.values()) == ["always"]
    assert room.outputs(identity) == {"said": "nothing"}


def test_a_deletion_policy_of_retain_forgets_the_row_and_leaves_the_thing(room: EngineRoom) -> None:
    identity = room.create("kept", hot({"precious": {"_deletion_policy": "Retain"}, "plain": {}}))
    room.wait(identity)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert list(room.bench.built.values()) == ["precious"]
    assert room.rows(identity.stack_id) == []


def test_an_attribute_that_cannot_be_read_is_null_and_fails_nothing(room: EngineRoom) -> None:
    template = hot(
        {"it": {"value": "x"}},
        outputs={"bad": {"value": {"get_attr": ["it", "broken"]}}, "good": {"value": {"get_attr": ["it", "value"]}}},
    )
    identity = room.create("odd", template)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert room.outputs(identity) == {"bad": None, "good": "x"}


SECRET = "correct-horse-battery-staple"


@pytest.mark.parametrize("rollback", [True, False])
def test_a_hidden_parameter_is_stored_nowhere_in_the_clear(room: EngineRoom, rollback: bool) -> None:
    template = hot(
        {"it": {"value": {"get_param": "password"}}},
        parameters={"password": {"type": "string", "hidden": True}},
        outputs={"seen": {"value": {"get_attr": ["it", "value"]}}},
    )
    identity = room.create("secret", template, parameters={"password": SECRET}, disable_rollback=not rollback)
    room.wait(identity)
    views, _ = room.stacks.show(ME, identity, page=None)

    assert room.outputs(identity) == {"seen": SECRET}
    assert views[0].parameters["password"] == "******"
    with room.db.read() as tx:
        names = [row[0] for row in tx.connection.execute(text("select name from sqlite_master where type = 'table'"))]
        dump = "".join(
            str(tuple(row)) for name in names for row in tx.connection.execute(text(f'select * from "{name}"'))
        )
    assert "secret" in dump
    assert SECRET not in dump


def test_a_settled_stack_gives_an_equal_update_nothing_to_do(room: EngineRoom) -> None:
    template = hot({"a": {"value": "x"}, "b": {"value": {"get_attr": ["a", "value"]}}})
    identity = room.create("still", template)
    room.wait(identity)
    with room.db.read() as tx:
        before = resources.of_stack(tx, identity.stack_id)
    calls = list(room.bench.calls)
    room.update(identity, template)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.rows(identity.stack_id) == before
    assert room.bench.calls == calls
