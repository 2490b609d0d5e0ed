"""A walk that fails goes back to what was last complete, or stays where it is, as the stack says."""

from __future__ import annotations

from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import EngineRoom, hot


def test_a_create_that_fails_is_rolled_back_to_nothing(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "bad"))
    identity = room.create("s", hot({"good": {}, "bad": {"_depends_on": "good"}}), disable_rollback=False)
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert stack.deleted_time is None, "its name is still taken and its events can be read"
    assert room.rows(stack.id) == []
    assert room.bench.built == {}
    stack_events = [told for told in room.history(identity) if told.startswith("s ")]
    assert stack_events == [
        "s CREATE_IN_PROGRESS",
        "s CREATE_FAILED",
        "s ROLLBACK_IN_PROGRESS",
        "s ROLLBACK_COMPLETE",
    ]


def test_an_update_that_fails_goes_back_to_the_last_complete_template(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}, "old": {"value": "x"}}), disable_rollback=False)
    room.wait(identity)
    before = {row.name: row.properties for row in room.rows(identity.stack_id)}
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({"a": {"value": "2"}, "new": {}, "bad": {"_depends_on": "a"}}))
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert {row.name: row.properties for row in room.rows(stack.id)} == before
    assert set(room.bench.built) == {row.id for row in room.rows(stack.id)}
    assert stack.definition_id == stack.complete_definition_id


def test_a_rollback_finds_what_was_to_be_replaced_still_there_if_it_was_in_use(room: EngineRoom) -> None:
    used = {"value": {"get_resource": "used"}}
    identity = room.create("s", hot({"used": {"fixed": "1"}, "user": used}), disable_rollback=False)
    room.wait(identity)
    before = {row.name: (row.id, row.physical_id, row.properties["fixed"]) for row in room.rows(identity.stack_id)}
    room.bench.fails.add((CREATE, "bad"))
    room.update(
        identity, hot({"used": {"fixed": "2"}, "bad": {"_depends_on": "used"}, "user": {**used, "_depends_on": "bad"}})
    )
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert {row.name: (row.id, row.physical_id, row.properties["fixed"]) for row in room.rows(stack.id)} == before
    assert set(room.bench.built) == {row.id for row in room.rows(stack.id)}


def test_an_update_that_fails_without_rollback_stays_until_a_good_one(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.fails |= {(UPDATE, "a"), (CREATE, "b")}
    room.update(identity, hot({"a": {"value": "2"}, "b": {}}))
    stack = room.wait(identity)

    assert str(stack.state) == "UPDATE_FAILED"
    assert {row.name: str(row.state) for row in room.rows(stack.id)} == {"a": "UPDATE_FAILED", "b": "CREATE_FAILED"}

    room.bench.fails.clear()
    room.update(identity, hot({"a": {"value": "3"}, "b": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "3"
    assert set(room.bench.built) == {row.id for row in room.rows(stack.id)}


def test_a_rollback_that_fails_is_told_and_a_good_update_mends_it(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails |= {(CREATE, "b"), (CREATE, "a")}
    room.bench.fails.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}, "b": {}}))
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_FAILED"
    assert stack.reason.startswith("Resource ROLLBACK failed: ResourceFailed: resources.a: ")

    room.bench.fails.clear()
    room.update(identity, hot({"a": {"value": "1"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert list(room.bench.built) == [room.row(identity, "a").id]


def test_a_second_failure_rolls_back_to_the_last_complete_and_not_to_the_last_tried(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "good"}}))
    room.wait(identity)
    room.bench.fails.add((CREATE, "b"))
    room.update(identity, hot({"a": {"value": "tried"}, "b": {}}))
    room.wait(identity)
    room.update(identity, hot({"a": {"value": "tried again"}, "b": {}}), disable_rollback=False)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "good"


def test_a_clean_up_that_fails_in_a_rollback_is_told_and_tried_again(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails |= {(CREATE, "bad"), (DELETE, "extra")}
    room.update(identity, hot({"a": {}, "extra": {}, "bad": {"_depends_on": "extra"}}))
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert "extra was told to fail" in stack.reason

    room.bench.fails.clear()
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}
