"""A message to a stack only says where to look: a lost or a forged one wastes work and changes nothing."""

from __future__ import annotations

import pytest

from engine.model.ids import StackId
from engine.runtime.stack_lock import StackLock
from kit.bench import CREATE
from kit.engine_room import EngineRoom, hot


@pytest.mark.parametrize("message", ["cancel", "cancel_with_rollback", "poke", "nonsense"])
def test_messages_to_a_stack_that_is_walked_change_nothing(room: EngineRoom, message: str) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {}, "next": {"_depends_on": "slow"}}))
    for times in range(2, 12):
        room.bench.until_called(CREATE, "slow", times=times)
        room.machinery.groups.send(StackId(identity.stack_id), message)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert set(room.bench.creations.values()) == {1}
    assert len(room.history(identity)) == 6


def test_a_message_to_a_stack_at_rest_or_to_none_at_all_is_harmless(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {}}))
    before = room.wait(identity)
    room.machinery.groups.send(StackId(identity.stack_id), "cancel")
    room.machinery.groups.send(StackId("nobody"), "cancel")
    room.machinery.conductor.halt(StackId(identity.stack_id))
    room.wait(room.create("another", hot({"it": {}})))

    assert room.stack(identity.stack_id) == before


def test_the_lock_of_a_stack_is_held_while_it_is_walked_and_free_when_its_end_is_told(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {}}))
    engine = room.machinery.engine_id
    lock = StackLock(room.db, room.neighbours.is_alive, StackId(identity.stack_id), engine)
    during = lock.get_engine_id()
    room.bench.waits.clear()
    room.wait(identity)

    assert during == engine
    assert lock.get_engine_id() is None
