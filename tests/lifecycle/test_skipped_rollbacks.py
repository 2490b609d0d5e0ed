"""Rollbacks that leave names as they are: these keep what they use, and the stack can be led on like any other."""

from __future__ import annotations

from engine.model.ids import StackIdentity
from kit.bench import CREATE
from kit.engine_room import ME, EngineRoom, Resources, hot


def failed_update(room: EngineRoom, before: Resources, after: Resources) -> StackIdentity:
    """Return a stack whose update has failed in the end, and that nobody has rolled back."""
    identity = room.create("s", hot(before))
    room.wait(identity)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({**after, "bad": {"_depends_on": "z"}}))
    assert str(room.wait(identity).state) == "UPDATE_FAILED"
    return identity


def left_in_a_cycle(room: EngineRoom) -> StackIdentity:
    """Return a stack with `x` built against `z` again, while `z` is left as the update had built it: against `x`."""
    turned = {"x": {}, "z": {"_depends_on": "x", "value": "2"}}
    identity = failed_update(room, {"x": {"_depends_on": "z"}, "z": {}}, turned)
    room.actions.rollback(ME, identity, skip=["z"])
    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    x, z = room.row(identity, "x"), room.row(identity, "z")
    assert (x.requires, z.requires) == ({z.id}, {x.id})
    return identity


def test_a_stack_whose_rows_were_built_against_each_other_is_suspended_and_resumed(room: EngineRoom) -> None:
    identity = left_in_a_cycle(room)

    room.actions.suspend(ME, identity)
    assert str(room.wait(identity).state) == "SUSPEND_COMPLETE"

    room.actions.resume(ME, identity)
    assert str(room.wait(identity).state) == "RESUME_COMPLETE"


def test_a_stack_whose_rows_were_built_against_each_other_is_updated(room: EngineRoom) -> None:
    identity = left_in_a_cycle(room)
    room.update(identity, hot({"x": {"value": "3"}, "y": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert sorted(room.bench.built.values()) == ["x", "y"]


def test_a_stack_whose_rows_were_built_against_each_other_is_deleted(room: EngineRoom) -> None:
    identity = left_in_a_cycle(room)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_what_is_left_as_it_is_keeps_what_it_uses(room: EngineRoom) -> None:
    z = {"value": {"get_resource": "x"}}
    identity = failed_update(room, {"x": {"fixed": "1"}, "z": z}, {"x": {"fixed": "2"}, "z": z})
    (used,) = room.row(identity, "z").requires
    room.actions.rollback(ME, identity, skip=["z"])

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "z").requires == {used}
    assert used in room.bench.built
    assert used in {row.id for row in room.rows(identity.stack_id)}

    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}
