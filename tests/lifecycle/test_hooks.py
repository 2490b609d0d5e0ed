"""Breakpoints: a walk waits at them until somebody lets it go on, whoever walks by then."""

from __future__ import annotations

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId, StackIdentity
from engine.model.states import Action
from engine.store import resources
from engine.usecases.signals import SignalResource, Signals
from kit.bench import CREATE, DELETE, UPDATE
from kit.breakpoints import let_go, stand, stops
from kit.engine_room import ME, EngineRoom, hot

INNER = hot({"deep": {}})


def state_of(room: EngineRoom, identity: StackIdentity) -> str:
    return str(room.stack(identity.stack_id).state)


def test_a_create_stops_before_and_after_the_thing_is_built(room: EngineRoom) -> None:
    template = hot({"a": {}, "b": {"_depends_on": "a"}})
    identity = room.create("s", template, environment=stops("a", ["pre-create", "post-create"]))
    before = stand(room, identity.stack_id, "a", "pre-create")

    assert str(before.state) == "INIT_COMPLETE"
    assert room.bench.calls == []

    let_go(room, before)
    after = stand(room, identity.stack_id, "a", "post-create")

    assert str(after.state) == "CREATE_COMPLETE"
    assert room.bench.calls == [(CREATE, "a")]
    assert state_of(room, identity) == "CREATE_IN_PROGRESS"

    let_go(room, after)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert room.bench.calls == [(CREATE, "a"), (CREATE, "b")]


def test_an_update_stops_even_if_nothing_changes(room: EngineRoom) -> None:
    template, environment = hot({"a": {}}), stops("a", ["pre-update", "post-update"])
    identity = room.create("s", template, environment=environment)
    room.wait(identity)
    room.update(identity, template, environment=environment)
    standing = stand(room, identity.stack_id, "a", "pre-update")

    assert str(standing.state) == "CREATE_COMPLETE"

    let_go(room, standing)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (UPDATE, "a") not in room.bench.calls


@pytest.mark.parametrize("changes", [{"value": "2"}, {"fixed": "2"}], ids=["in place", "by another"])
def test_an_update_that_changes_something_stops_first(room: EngineRoom, changes: dict[str, str]) -> None:
    environment = stops("*", ["pre-update"])
    identity = room.create("s", hot({"a": {"value": "1", "fixed": "1"}}), environment=environment)
    room.wait(identity)
    calls = len(room.bench.calls)
    room.update(identity, hot({"a": {"value": "1", "fixed": "1", **changes}}), environment=environment)
    standing = stand(room, identity.stack_id, "a", "pre-update")

    assert len(room.bench.calls) == calls

    let_go(room, standing)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert {**room.row(identity, "a").properties, **changes} == room.row(identity, "a").properties


def test_an_update_in_place_stops_behind_it(room: EngineRoom) -> None:
    environment = stops("a", ["post-update"])
    identity = room.create("s", hot({"a": {"value": "1"}}), environment=environment)
    room.wait(identity)
    room.update(identity, hot({"a": {"value": "2"}, "b": {"_depends_on": "a"}}), environment=environment)
    standing = stand(room, identity.stack_id, "a", "post-update")

    assert str(standing.state) == "UPDATE_COMPLETE"
    assert (CREATE, "b") not in room.bench.calls

    let_go(room, standing)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"


def test_a_delete_stops_before_and_after_the_thing_is_gone(room: EngineRoom) -> None:
    environment = stops("a", ["pre-delete", "post-delete"])
    identity = room.create("s", hot({"a": {}}), environment=environment)
    room.wait(identity)
    room.delete(identity)
    before = stand(room, identity.stack_id, "a", "pre-delete")

    assert (DELETE, "a") not in room.bench.calls

    let_go(room, before)
    after = stand(room, identity.stack_id, "a", "post-delete")

    assert room.bench.built == {}
    assert str(after.state) == "DELETE_COMPLETE"
    assert state_of(room, identity) == "DELETE_IN_PROGRESS"

    let_go(room, after)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"


def test_what_an_update_removes_does_not_stop_before_it_is_deleted(room: EngineRoom) -> None:
    environment = stops("*", ["pre-delete"])
    identity = room.create("s", hot({"a": {}, "b": {}}), environment=environment)
    room.wait(identity)
    room.update(identity, hot({"b": {}}), environment=environment)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert [row.name for row in room.rows(identity.stack_id)] == ["b"]


def test_what_an_update_adds_does_not_stop_before_it_is_created(room: EngineRoom) -> None:
    environment = stops("*", ["pre-create", "post-create"])
    identity = room.create("s", hot({}), environment=environment)
    room.wait(identity)
    room.update(identity, hot({"a": {}}), environment=environment)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == [(CREATE, "a")]


def test_a_breakpoint_reaches_into_a_nested_stack(room: EngineRoom) -> None:
    environment = "resource_registry: {resources: {in: {'*': {hooks: pre-create}}}}"
    template = hot({"in": {"_type": "inner.yaml"}})
    identity = room.create("s", template, files={"inner.yaml": INNER}, environment=environment)
    room.news.event("deep", "INIT_COMPLETE")
    inside = room.row(identity, "in").nested_stack_id
    assert inside is not None
    let_go(room, stand(room, inside, "deep", "pre-create"))

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"


def test_a_stop_outlives_the_engine(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}), environment=stops("a", ["pre-create"]))
    stand(room, identity.stack_id, "a", "pre-create")
    room.restart()
    with room.db.read() as tx:
        (row,) = resources.named(tx, StackId(identity.stack_id), "a")
    let_go(room, row)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}


def test_a_rollback_waits_for_nobody(room: EngineRoom) -> None:
    environment = stops("a", ["pre-update", "post-update"])
    identity = room.create("s", hot({"a": {"value": "1"}}), environment=environment, disable_rollback=False)
    room.wait(identity)
    room.bench.fails.add((CREATE, "b"))
    room.update(identity, hot({"a": {"value": "2"}, "b": {"_depends_on": "a"}}))

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "1"


def test_a_delete_takes_over_from_a_create_that_stands_at_a_breakpoint(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}, "b": {}}), environment=stops("a", ["pre-create"]))
    stand(room, identity.stack_id, "a", "pre-create")
    room.begin(identity, Action.DELETE)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_an_update_takes_over_from_a_create_that_stands_at_a_breakpoint(room: EngineRoom) -> None:
    environment = stops("a", ["pre-create"])
    identity = room.create("s", hot({"a": {"value": "1"}}), environment=environment)
    standing = stand(room, identity.stack_id, "a", "pre-create")
    room.update(identity, hot({"a": {"value": "2"}}), environment=environment)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (room.row(identity, "a").id, room.row(identity, "a").properties["value"]) == (standing.id, "2")
    assert room.bench.calls == [(CREATE, "a")]


def test_a_cancel_ends_the_wait_at_a_breakpoint_and_the_resource_stays_as_it_was(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}), environment=stops("a", ["pre-create"]))
    stand(room, identity.stack_id, "a", "pre-create")
    room.actions.cancel_update(ME, identity, rollback=False)
    parts = room.machinery
    signals = Signals(room.db, parts.declared, parts.logbook, parts.engine_id, wake=lambda *_: None)
    with pytest.raises(EngineError, match='The "pre-create" hook is not defined on a') as refused:
        signals.signal(ME, SignalResource(identity, "a", {"unset_hook": "pre-create"}))

    assert refused.value.code is Code.HOOK_NOT_SET
    assert state_of(room, identity) == "CREATE_FAILED"
    assert str(room.row(identity, "a").state) == "INIT_COMPLETE"
    assert room.bench.calls == []
