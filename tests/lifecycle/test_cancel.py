"""An update that is cancelled, with and without rollback; what is under way meanwhile is never lost sight of."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.states import Action
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot


def state(room: EngineRoom, stack_id: str) -> str:
    return str(room.stack(stack_id).state)


def test_a_cancelled_update_goes_back_and_builds_nothing_more(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.waits.add((CREATE, "slow"))
    room.update(identity, hot({"a": {"value": "2"}, "slow": {}, "after": {"_depends_on": "slow"}}))
    room.bench.until_called(CREATE, "slow", times=2)
    room.news.event("a", "UPDATE_COMPLETE")
    room.actions.cancel_update(ME, identity, rollback=True)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert [row.name for row in room.rows(identity.stack_id)] == ["a"]
    assert room.row(identity, "a").properties["value"] == "1"
    assert (CREATE, "after") not in room.bench.calls
    assert set(room.bench.built) == {room.row(identity, "a").id}


def test_a_cancelled_update_that_is_not_rolled_back_stays_and_what_is_in_flight_ends(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}, "b": {"_depends_on": "a"}}))
    room.bench.until_called(UPDATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)

    stack = room.stack(identity.stack_id)
    assert (str(stack.state), stack.reason) == ("UPDATE_FAILED", "Stack UPDATE cancelled")
    assert str(room.row(identity, "a").state) == "UPDATE_IN_PROGRESS"

    room.bench.waits.clear()
    room.news.event("a", "UPDATE_COMPLETE")

    assert room.row(identity, "a").properties["value"] == "2"
    assert (CREATE, "b") not in room.bench.calls
    assert state(room, identity.stack_id) == "UPDATE_FAILED"


def test_a_cancelled_create_builds_nothing_more(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    room.bench.until_called(CREATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")

    assert state(room, identity.stack_id) == "CREATE_FAILED"
    assert (CREATE, "b") not in room.bench.calls
    assert [row.name for row in room.rows(identity.stack_id)] == ["a"]


def test_the_call_that_is_in_flight_when_a_stack_is_cancelled_is_recorded_to_its_end(room: EngineRoom) -> None:
    """It answers that it must wait only after the cancel; what it began is waited for all the same."""
    room.bench.hangs.add((CREATE, "a"))
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}))
    room.bench.until_called(CREATE, "a")
    room.actions.cancel_update(ME, identity, rollback=False)

    assert state(room, identity.stack_id) == "CREATE_FAILED"

    room.bench.let_go()
    room.bench.until_called(CREATE, "a", times=3)
    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")

    assert set(room.bench.creations.values()) == {1}


def test_what_a_cancelled_update_left_in_flight_is_waited_for_by_another_engine_too(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}}))
    room.bench.until_called(UPDATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.restart()
    room.bench.waits.clear()
    room.news.event("a", "UPDATE_COMPLETE")

    assert room.row(identity, "a").properties["value"] == "2"


def test_what_a_cancelled_create_was_at_when_its_engine_died_has_failed(tmp_path: Path) -> None:
    """Nobody knows how far it came: it told of nothing to wait for, and a stack that failed builds nothing more."""
    with EngineRoom(tmp_path) as dying:
        dying.bench.hangs.add((CREATE, "a"))
        identity = dying.create("s", hot({"a": {}}))
        dying.bench.until_called(CREATE, "a")
        dying.actions.cancel_update(ME, identity, rollback=False)
        with EngineRoom(tmp_path, bench=dying.bench) as room:
            room.machinery.recovery.sweep()
            room.news.event("a", "CREATE_FAILED")

            assert str(room.row(identity, "a").state) == state(room, identity.stack_id) == "CREATE_FAILED"
            assert room.row(identity, "a").reason == "CREATE aborted (its engine is gone)"

            dying.bench.let_go()
            dying.stop()  # what the call has built after all is known to nobody
            room.delete(identity)

            assert str(room.wait(identity).state) == "DELETE_COMPLETE"
            assert room.bench.built == {}


def test_an_engine_that_leaves_a_cancelled_stack_is_followed_by_one_that_waits_for_the_rest(room: EngineRoom) -> None:
    """StopStack while what was begun is waited for: the stack has come to its end, and only its lock tells of more."""
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}))
    room.bench.until_called(CREATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.machinery.leave(room.stack(identity.stack_id).id)
    room.bench.waits.clear()
    room.machinery.recovery.sweep()
    room.news.event("a", "CREATE_COMPLETE")

    assert state(room, identity.stack_id) == "CREATE_FAILED"
    assert set(room.bench.creations.values()) == {1}


def test_a_cancel_reaches_what_is_nested(room: EngineRoom) -> None:
    inner = hot({"deep": {}, "never": {"_depends_on": "deep"}})
    room.bench.waits.add((CREATE, "deep"))
    identity = room.create("s", hot({"in": {"_type": "inner.yaml"}}), files={"inner.yaml": inner})
    room.bench.until_called(CREATE, "deep", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    nested = room.row(identity, "in").nested_stack_id
    assert nested is not None

    assert state(room, identity.stack_id) == "CREATE_FAILED"
    assert state(room, nested) == "CREATE_FAILED"

    room.bench.waits.clear()
    room.news.event("deep", "CREATE_COMPLETE")
    room.news.event("in", "CREATE_FAILED")

    assert (CREATE, "never") not in room.bench.calls


def test_an_update_of_a_cancelled_stack_goes_on_from_what_is_there(room: EngineRoom) -> None:
    template = hot({"a": {}, "b": {"_depends_on": "a"}})
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", template)
    room.bench.until_called(CREATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.update(identity, template)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}
    assert sorted(room.bench.built.values()) == ["a", "b"]


def test_a_newer_update_does_not_wait_for_a_call_that_hangs_elsewhere(room: EngineRoom) -> None:
    room.bench.hangs.add((CREATE, "stuck"))
    identity = room.create("s", hot({"stuck": {}}))
    room.bench.until_called(CREATE, "stuck")
    room.update(identity, hot({"stuck": {}, "other": {}}))
    room.news.event("other", "CREATE_COMPLETE")

    assert room.bench.count(CREATE, "stuck") == 1

    room.bench.let_go()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}


def test_an_update_supersedes_what_a_nested_stack_is_still_building(room: EngineRoom) -> None:
    inner = "heat_template_version: 2018-08-31\nparameters: {v: {type: string}}\nresources:\n"
    inner += "  deep: {type: 'Test::Thing', properties: {value: {get_param: v}}}\n"
    inner += "  stuck: {type: 'OS::Heat::TestResource', properties: {action_wait_secs: {create: -1}}}\n"
    easy = inner.replace("create: -1", "create: 0")
    outer = {"in": {"_type": "inner.yaml", "v": "1"}}
    identity = room.create("s", hot(outer), files={"inner.yaml": inner})
    room.news.event("stuck", "CREATE_IN_PROGRESS")
    outer = {"in": {"_type": "inner.yaml", "v": "2"}}
    without = easy[: easy.index("  stuck:")]
    room.update(identity, hot(outer), files={"inner.yaml": without})

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    nested = room.row(identity, "in").nested_stack_id
    assert nested is not None
    assert [(row.name, row.properties["value"]) for row in room.rows(nested)] == [("deep", "2")]


@pytest.mark.parametrize("rollback", [True, False])
def test_what_is_not_under_way_is_not_cancelled(room: EngineRoom, rollback: bool) -> None:
    identity = room.create("s", hot({"a": {}}))
    room.wait(identity)

    with pytest.raises(Exception, match="Cancelling update when stack is CREATE_COMPLETE"):
        room.actions.cancel_update(ME, identity, rollback=rollback)


def test_a_rollback_that_failed_goes_on_without_what_can_not_be_brought_back(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}, "b": {"value": "1"}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails |= {(CREATE, "bad")}
    room.bench.waits.add((CREATE, "bad"))
    room.update(identity, hot({"a": {"value": "2"}, "b": {"value": "2"}, "bad": {"_depends_on": ["a", "b"]}}))
    room.news.event("b", "UPDATE_COMPLETE")
    room.bench.fails.add((UPDATE, "a"))
    room.bench.fails.add((CREATE, "a"))

    assert str(room.wait(identity).state) == "ROLLBACK_FAILED"

    room.actions.rollback(ME, identity, skip=["a"])
    stack = room.wait(identity)

    assert str(stack.state) == "ROLLBACK_COMPLETE"
    assert stack.reason == "Stack ROLLBACK completed successfully; left as they are: a"
    assert room.row(identity, "b").properties["value"] == "1"


def test_a_rollback_that_failed_is_tried_again(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}), disable_rollback=False)
    room.wait(identity)
    room.bench.fails |= {(CREATE, "bad"), (UPDATE, "a")}
    room.bench.fails.discard((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}, "bad": {"_depends_on": "a"}}))
    room.news.event("a", "UPDATE_COMPLETE")
    room.bench.fails |= {(UPDATE, "a"), (CREATE, "a")}
    if str(room.wait(identity).state) == "ROLLBACK_COMPLETE":
        pytest.fail("the rollback was too quick for this test")
    room.bench.fails.clear()
    room.actions.rollback(ME, identity)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "1"
    assert set(room.bench.built) == {room.row(identity, "a").id}


def test_a_failed_update_is_rolled_back_when_asked_to(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({"a": {"value": "2"}, "bad": {}}))

    assert str(room.wait(identity).state) == "UPDATE_FAILED"

    room.actions.rollback(ME, identity)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "1"
    assert Action.ROLLBACK in {event.action for event in room.news.events}
    assert (DELETE, "a") not in room.bench.calls


def test_the_very_update_that_was_cancelled_in_a_tree_is_asked_for_again_at_once(room: EngineRoom) -> None:
    files = {"inner.yaml": hot({"deep": {}, "then": {"_depends_on": "deep"}})}
    template = hot({"in": {"_type": "inner.yaml"}})
    room.bench.waits.add((CREATE, "deep"))
    identity = room.create("s", template, files=files)
    room.bench.until_called(CREATE, "deep", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.update(identity, template, files=files)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}


def test_what_an_older_walk_began_and_failed_is_built_anew_by_the_newer(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {}}))
    room.bench.until_called(CREATE, "slow", times=2)
    room.bench.hangs.add((CREATE, "slow"))
    room.update(identity, hot({"slow": {}, "more": {}}))
    room.news.event("more", "CREATE_COMPLETE")
    room.bench.fails.add((CREATE, "slow"))
    room.bench.waits.clear()
    room.bench.let_go()
    room.news.event("slow", "CREATE_FAILED")
    room.bench.fails.clear()
    room.wait(identity)
    room.update(identity, hot({"slow": {}, "more": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert sorted(room.bench.built.values()) == ["more", "slow"]
