"""A resource that somebody found unhealthy is replaced by the next update, and not before."""

from __future__ import annotations

import pytest

from engine.model.errors import ActionInProgress
from engine.model.ids import StackIdentity
from engine.usecases.signals import MarkUnhealthy, Signals
from kit.bench import CREATE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

TEMPLATE = hot({"server": {"value": "v"}, "user": {"value": {"get_resource": "server"}}})


@pytest.fixture
def signals(room: EngineRoom) -> Signals:
    parts = room.machinery
    return Signals(room.db, parts.declared, parts.logbook, parts.engine_id, wake=lambda *_: None)


def mark(signals: Signals, identity: StackIdentity, *, unhealthy: bool = True) -> None:
    signals.mark_unhealthy(ME, MarkUnhealthy(identity, "server", unhealthy))


def test_the_next_update_replaces_it_and_what_refers_to_it_follows(room: EngineRoom, signals: Signals) -> None:
    identity = room.create("s", TEMPLATE)
    room.wait(identity)
    before = room.row(identity, "server")
    mark(signals, identity)
    marked = room.row(identity, "server")
    room.update(identity, TEMPLATE)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    after = room.row(identity, "server")
    assert (marked.id, str(marked.state)) == (before.id, "CHECK_FAILED")
    assert after.id != before.id
    assert (str(after.state), after.is_unhealthy) == ("CREATE_COMPLETE", False)
    assert room.row(identity, "user").properties["value"] == after.physical_id
    assert set(room.bench.built) == {after.id, room.row(identity, "user").id}


def test_one_that_is_healthy_after_all_stays(room: EngineRoom, signals: Signals) -> None:
    identity = room.create("s", TEMPLATE)
    room.wait(identity)
    before = room.row(identity, "server")
    mark(signals, identity)
    mark(signals, identity, unhealthy=False)
    room.update(identity, TEMPLATE)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "server").id == before.id
    assert room.bench.count(CREATE, "server") == 1


def test_while_its_stack_is_updated_it_cannot_be_marked(room: EngineRoom, signals: Signals) -> None:
    identity = room.create("s", TEMPLATE)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "server"))
    room.update(identity, hot({"server": {"value": "w"}}))
    room.bench.until_called(UPDATE, "server")

    with pytest.raises(ActionInProgress):
        mark(signals, identity)

    room.bench.waits.clear()
    room.wait(identity)
    mark(signals, identity)

    assert str(room.row(identity, "server").state) == "CHECK_FAILED"
