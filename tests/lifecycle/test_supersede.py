"""A newer walk takes over from one that is under way; whatever was begun is recorded and nothing is forgotten."""

from __future__ import annotations

from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

FOR_EVER = {"_type": "OS::Heat::TestResource", "action_wait_secs": {"create": -1}}


def test_an_update_supersedes_a_create_that_waits_for_ever(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}, "stuck": FOR_EVER, "after": {"_depends_on": "stuck"}}))
    room.news.event("stuck", "CREATE_IN_PROGRESS")
    room.update(identity, hot({"a": {"value": "new"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert [row.name for row in room.rows(identity.stack_id)] == ["a"]
    assert "after CREATE_IN_PROGRESS" not in room.history(identity)


def test_a_delete_supersedes_a_create_that_waits_for_ever(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}, "stuck": FOR_EVER, "after": {"_depends_on": "stuck"}}))
    room.news.event("stuck", "CREATE_IN_PROGRESS")
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_what_was_being_built_is_waited_for_by_the_newer_walk_and_not_built_again(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {"value": "x"}}))
    room.bench.until_called(CREATE, "slow", times=2)
    room.update(identity, hot({"slow": {"value": "x"}, "more": {}}))
    room.news.event("more", "CREATE_COMPLETE")
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}
    assert room.row(identity, "slow").is_built


def test_an_update_of_what_is_still_being_built_ends_as_the_update_says(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {"value": "old"}}))
    room.bench.until_called(CREATE, "slow", times=2)
    room.update(identity, hot({"slow": {"value": "new"}}))
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "slow").properties["value"] == "new"
    assert room.row(identity, "slow").data == {"value": "new"}
    assert set(room.bench.built) == {room.row(identity, "slow").id}


def test_an_outcome_that_comes_after_a_newer_walk_began_is_recorded(room: EngineRoom) -> None:
    """The call is on its way when the delete is asked for; what it built has to be deleted."""
    room.bench.hangs.add((CREATE, "late"))
    identity = room.create("s", hot({"late": {}}))
    room.bench.until_called(CREATE, "late")
    room.delete(identity)
    room.bench.let_go()

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.calls == [(CREATE, "late"), (DELETE, "late")]
    assert room.bench.built == {}


def test_a_delete_of_a_stack_that_is_being_deleted_is_harmless(room: EngineRoom) -> None:
    identity = room.create("s", hot({"slow": {}}))
    room.wait(identity)
    room.bench.waits.add((DELETE, "slow"))
    room.delete(identity)
    room.bench.until_called(DELETE, "slow", times=2)
    room.delete(identity)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_a_rollback_that_is_under_way_is_superseded_by_an_update(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails.add((CREATE, "bad"))
    room.bench.waits.add((DELETE, "extra"))
    room.update(identity, hot({"a": {"value": "1"}, "extra": {}, "bad": {"_depends_on": "extra"}}))
    room.bench.until_called(DELETE, "extra", times=2)
    room.bench.fails.clear()
    room.update(identity, hot({"a": {"value": "3"}}))
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "3"
    assert set(room.bench.built) == {room.row(identity, "a").id}


def test_many_updates_in_a_row_end_with_the_last(room: EngineRoom) -> None:
    identity = room.create("s", hot({f"r{number}": {"value": "0"} for number in range(20)}))
    for value in range(1, 12):
        room.update(identity, hot({f"r{number}": {"value": str(value)} for number in range(20)}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert {row.properties["value"] for row in room.rows(identity.stack_id)} == {"11"}
    assert set(room.bench.creations.values()) == {1}
    assert len(room.bench.built) == 20


def test_a_name_is_free_again_as_soon_as_its_stack_is_deleted(room: EngineRoom) -> None:
    first = room.create("s", hot({"a": {}}))
    room.delete(first)
    room.wait(first)
    second = room.create("s", hot({"a": {}}))

    assert str(room.wait(second).state) == "CREATE_COMPLETE"
    assert room.stacks.identify(ME, "s") == second
    assert first.stack_id != second.stack_id


def test_an_update_that_was_cut_short_in_a_plugin_is_brought_to_the_newest_value(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}, "reader": {"value": {"get_attr": ["a", "value"]}}}))
    room.wait(identity)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}, "reader": {"value": {"get_attr": ["a", "value"]}}}))
    room.bench.until_called(UPDATE, "a", times=2)
    room.update(identity, hot({"a": {"value": "1"}, "reader": {"value": {"get_attr": ["a", "value"]}}}))
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").data == {"value": "1"}
    assert room.row(identity, "reader").properties["value"] == "1"
