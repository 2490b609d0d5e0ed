"""A stack from one template to another: in place, by replacement, in any order of dependencies."""

from __future__ import annotations

from pathlib import Path

from engine.model.states import Action, Status
from engine.template.source import Limits
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import EngineRoom, hot


def reads(name: str) -> dict[str, object]:
    return {"value": {"get_attr": [name, "value"]}}


def refers(name: str) -> dict[str, object]:
    return {"value": {"get_resource": name}}


def test_update_in_place_keeps_the_rows_and_reaches_what_reads_them(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "one"}, "b": reads("a"), "c": {}}))
    room.wait(identity)
    before = {row.name: row.id for row in room.rows(identity.stack_id)}
    room.bench.calls.clear()
    room.update(identity, hot({"a": {"value": "two"}, "b": reads("a"), "c": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == [(UPDATE, "a"), (UPDATE, "b")]
    assert {row.name: row.id for row in room.rows(identity.stack_id)} == before
    assert room.row(identity, "b").properties["value"] == "two"
    assert str(room.row(identity, "c").state) == "CREATE_COMPLETE"


def test_update_replaces_then_cleans(room: EngineRoom) -> None:
    """The new one is built and its users are moved over before the old one is deleted."""
    identity = room.create("s", hot({"a": {"fixed": "1"}, "b": refers("a")}))
    room.wait(identity)
    old = room.row(identity, "a")
    room.bench.calls.clear()
    room.update(identity, hot({"a": {"fixed": "2"}, "b": refers("a")}))
    stack = room.wait(identity)
    new = room.row(identity, "a")

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert room.bench.calls == [(CREATE, "a"), (UPDATE, "b"), (DELETE, "a")]
    assert (new.id != old.id, new.physical_id != old.physical_id) == (True, True)
    assert room.row(identity, "b").requires == {new.id}
    assert set(room.bench.built) == {row.id for row in room.rows(identity.stack_id)}


def test_a_plugin_that_asks_for_it_gets_a_replacement(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    old = room.row(identity, "a")
    room.bench.replaces.add("a")
    room.update(identity, hot({"a": {"value": "2"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").id != old.id
    assert room.row(identity, "a").properties["value"] == "2"
    assert list(room.bench.built) == [room.row(identity, "a").id]


def test_a_retained_row_that_is_replaced_leaves_its_thing(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"fixed": "1", "_deletion_policy": "Retain"}}))
    room.wait(identity)
    old = room.row(identity, "a")
    room.update(identity, hot({"a": {"fixed": "2", "_deletion_policy": "Retain"}}))
    room.wait(identity)

    assert set(room.bench.built) == {old.id, room.row(identity, "a").id}


def test_a_change_of_what_may_never_change_is_refused_and_the_row_stays(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"forever": "1"}}))
    room.wait(identity)
    before = room.row(identity, "a")
    room.update(identity, hot({"a": {"forever": "2"}}))
    stack = room.wait(identity)

    assert str(stack.state) == "UPDATE_FAILED"
    assert "Update to properties forever of a (Test::Thing) is not supported" in stack.reason
    assert room.row(identity, "a").state == before.state
    assert room.row(identity, "a").properties["forever"] == "1"
    assert room.history(identity)[-2:] == ["a UPDATE_FAILED", "s UPDATE_FAILED"]


def test_dependencies_can_be_turned_around(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "x"}, "b": refers("a")}))
    room.wait(identity)
    room.update(identity, hot({"b": {"value": "y"}, "a": refers("b")}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").properties["value"] == room.row(identity, "b").physical_id
    assert room.row(identity, "a").requires == {room.row(identity, "b").id}
    assert room.row(identity, "b").requires == frozenset()

    room.update(identity, hot({"a": {"value": "x"}, "b": refers("a")}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "b").properties["value"] == room.row(identity, "a").physical_id


def test_dependencies_can_be_turned_around_while_both_are_replaced(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"fixed": "1"}, "b": {"fixed": "1", **refers("a")}}))
    room.wait(identity)
    room.update(identity, hot({"b": {"fixed": "2"}, "a": {"fixed": "2", **refers("b")}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert set(room.bench.built) == {row.id for row in room.rows(identity.stack_id)}
    assert len(room.bench.built) == 2


def test_a_renamed_resource_is_built_anew_and_renamed_back_again(room: EngineRoom) -> None:
    first, second = (
        hot({"old": {"value": "x"}, "user": reads("old")}),
        hot({"new": {"value": "x"}, "user": reads("new")}),
    )
    identity = room.create("s", first)
    room.wait(identity)
    for template, names in ((second, {"new", "user"}), (first, {"old", "user"})):
        room.update(identity, template)

        assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
        assert {row.name for row in room.rows(identity.stack_id)} == names
        assert sorted(room.bench.built.values()) == sorted(names)


def test_a_change_of_type_replaces(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "x"}}))
    room.wait(identity)
    room.update(identity, hot({"a": {"_type": "OS::Heat::Value", "value": "x"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").type == "OS::Heat::Value"
    assert room.bench.built == {}


def test_a_failed_clean_up_does_not_undo_a_good_update(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}, "b": {}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails.add((DELETE, "b"))
    room.update(identity, hot({"a": {"value": "new"}}))
    stack = room.wait(identity)

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert "resources.b: b was told to fail" in stack.reason
    assert room.row(identity, "a").properties["value"] == "new"
    assert str(room.row(identity, "b").state) == "DELETE_FAILED"

    room.bench.fails.clear()
    room.update(identity, hot({"a": {"value": "new"}}))

    assert room.wait(identity).reason == "Stack UPDATE completed successfully"
    assert [row.name for row in room.rows(identity.stack_id)] == ["a"]
    assert list(room.bench.built.values()) == ["a"]


def test_a_failed_delete_is_tried_again_by_the_next(room: EngineRoom) -> None:
    room.bench.fails.add((DELETE, "b"))
    identity = room.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    room.wait(identity)
    room.delete(identity)
    stack = room.wait(identity)

    assert str(stack.state) == "DELETE_FAILED"
    assert stack.reason == "Resource DELETE failed: ResourceFailed: resources.b: b was told to fail"
    assert {row.name for row in room.rows(identity.stack_id)} == {"a", "b"}, "a is in use by b"

    room.bench.fails.clear()
    room.delete(identity)

    assert room.wait(identity).state == (Action.DELETE, "COMPLETE")
    assert room.bench.built == {}


def test_properties_that_turn_out_wrong_on_arrival_fail_the_update_and_leave_the_row(room: EngineRoom) -> None:
    """What depends on another resource is only known when the walk is there; nothing has begun by then."""

    def template(value: str) -> str:
        number = {"_type": "OS::Heat::Value", "type": "number", **reads("a")}
        return hot({"a": {"value": value}, "n": number})

    identity = room.create("s", template("5"))
    room.wait(identity)
    before = room.row(identity, "n")
    room.update(identity, template("five"))
    stack = room.wait(identity)

    assert str(stack.state) == "UPDATE_FAILED"
    assert "resources.n" in stack.reason
    assert room.row(identity, "n").state == before.state
    assert room.row(identity, "n").properties == before.properties
    assert "n UPDATE_FAILED" in room.history(identity)

    room.update(identity, template("6"))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "n").id == before.id


def test_properties_that_turn_out_wrong_fail_a_create_with_a_row_that_tells_it(room: EngineRoom) -> None:
    number = {"_type": "OS::Heat::Value", "type": "number", **reads("a")}
    identity = room.create("s", hot({"a": {"value": "five"}, "n": number}))

    assert str(room.wait(identity).state) == "CREATE_FAILED"
    assert str(room.row(identity, "n").state) == "CREATE_FAILED"

    room.update(identity, hot({"a": {"value": "5"}, "n": number}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "n").is_built


def test_a_stack_whose_old_template_is_valid_no_more_can_be_mended(tmp_path: Path) -> None:
    with EngineRoom(tmp_path) as room:
        identity = room.create("s", hot({f"t{number}": {} for number in range(3)}))
        room.wait(identity)

    with EngineRoom(tmp_path, template_limits=Limits(max_resources=2), bench=room.bench) as later:
        later.update(identity, hot({"t0": {}}))
        assert later.wait(identity).state == (Action.UPDATE, Status.COMPLETE)
