"""What failed stays known: no snapshot and no check makes a thing of what was never built, or hides what is broken."""

from __future__ import annotations

import pytest

from engine.model.ids import StackIdentity
from engine.model.states import Action
from engine.usecases.signals import MarkUnhealthy, Signals
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

CHECK = Action.CHECK


def states(room: EngineRoom, identity: StackIdentity) -> dict[str, str]:
    return {row.name: str(row.state) for row in room.rows(identity.stack_id)}


def settled(room: EngineRoom, identity: StackIdentity) -> str:
    return str(room.wait(identity).state)


def test_what_was_never_built_is_not_saved_and_is_built_by_the_next_update(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {"value": "1"}, "b": {}}))
    room.wait(identity)
    room.bench.fails.clear()
    room.snapshots.take(ME, identity)

    assert settled(room, identity) == "SNAPSHOT_COMPLETE"
    assert states(room, identity) == {"a": "CREATE_FAILED", "b": "SNAPSHOT_COMPLETE"}

    room.update(identity, hot({"a": {"value": "1"}, "b": {}}))

    assert settled(room, identity) == "UPDATE_COMPLETE"
    assert set(room.bench.built) == {row.id for row in room.rows(identity.stack_id)}


def test_what_failed_its_update_is_replaced_although_it_was_saved_meanwhile(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {"value": "1"}}))
    room.wait(identity)
    before = room.row(identity, "a")
    room.bench.fails.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2"}}))
    room.wait(identity)
    room.bench.fails.clear()
    room.snapshots.take(ME, identity)

    assert settled(room, identity) == "SNAPSHOT_COMPLETE"

    room.update(identity, hot({"a": {"value": "2"}}))

    assert settled(room, identity) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").id != before.id
    assert set(room.bench.built) == {room.row(identity, "a").id}


def test_a_type_without_a_check_is_not_passed_over_if_it_was_never_built(room: EngineRoom) -> None:
    text = {"_type": "OS::Heat::RandomString", "length": {"get_attr": ["thing", "value"]}}
    identity = room.create("s", hot({"thing": {"value": "no number"}, "text": text}))

    assert settled(room, identity) == "CREATE_FAILED"

    room.actions.check(ME, identity)
    stack = room.wait(identity)

    assert str(stack.state) == "CHECK_FAILED"
    assert "resources.text: text is not created yet" in stack.reason
    assert states(room, identity) == {"thing": "CHECK_COMPLETE", "text": "CREATE_FAILED"}


@pytest.mark.parametrize("action", [Action.SUSPEND, CHECK])
def test_what_could_not_be_cleaned_away_does_not_fail_what_is_done_to_the_rest(
    room: EngineRoom, action: Action
) -> None:
    identity = room.create("s", hot({"a": {}, "b": {}}))
    room.wait(identity)
    room.bench.fails.add((DELETE, "b"))
    room.update(identity, hot({"a": {}}))

    assert settled(room, identity) == "UPDATE_COMPLETE"

    getattr(room.actions, action.lower())(ME, identity)

    assert settled(room, identity) == f"{action}_COMPLETE"
    assert states(room, identity) == {"a": f"{action}_COMPLETE", "b": "DELETE_FAILED"}


def test_what_could_not_be_deleted_with_its_stack_fails_its_check(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}))
    room.wait(identity)
    room.bench.fails.add((DELETE, "a"))
    room.delete(identity)
    room.wait(identity)
    room.actions.check(ME, identity)

    assert settled(room, identity) == "CHECK_FAILED"


def test_a_check_that_finds_it_well_takes_back_what_was_said_of_it(room: EngineRoom) -> None:
    template = hot({"a": {}})
    identity = room.create("s", template)
    room.wait(identity)
    before, parts = room.row(identity, "a"), room.machinery
    signals = Signals(room.db, parts.declared, parts.logbook, parts.engine_id, wake=lambda *_: None)
    signals.mark_unhealthy(ME, MarkUnhealthy(identity, "a", unhealthy=True))
    room.actions.check(ME, identity)

    assert settled(room, identity) == "CHECK_COMPLETE"

    room.update(identity, template)

    assert settled(room, identity) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").id == before.id
