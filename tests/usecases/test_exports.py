"""Stacks handed out as data: who may have them, and what becomes of the stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.errors import ActionInProgress, Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import Caller
from engine.model.states import Action
from engine.plan import export
from engine.usecases.limits import Limits
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

TEMPLATE = hot({"it": {"value": {"get_param": "v"}}}, parameters={"v": {"type": "string", "hidden": True}})
UNKNOWN = StackIdentity("", "nowhere", "")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, limits=Limits(enable_stack_abandon=True)) as room:
        yield room


@pytest.fixture
def identity(room: EngineRoom) -> StackIdentity:
    identity = room.create("s", TEMPLATE, parameters={"v": "sesame"}, tags=["blue"])
    room.wait(identity)
    return identity


def refused(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


def test_an_export_tells_all_and_leaves_the_stack_as_it_is(room: EngineRoom, identity: StackIdentity) -> None:
    before = room.stack(identity.stack_id)
    payload = room.exports.export(ME, identity)

    assert (payload["name"], payload["action"], payload["status"], payload["tags"]) == (
        "s",
        "CREATE",
        "COMPLETE",
        ["blue"],
    )
    assert payload["template"] == TEMPLATE
    assert payload["environment"]["parameters"] == {"v": "sesame"}
    assert payload["resources"]["it"]["resource_id"] == room.row(identity, "it").physical_id
    assert room.stack(identity.stack_id) == before


def test_a_busy_or_failed_stack_can_be_exported(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.waits.add((UPDATE, "it"))
    room.update(identity, hot({"it": {"value": "new"}}))

    assert room.exports.export(ME, identity)["status"] == "IN_PROGRESS"


def test_an_abandon_answers_with_the_stack_as_it_was_and_begins_to_forget_it(
    room: EngineRoom, identity: StackIdentity
) -> None:
    exported = room.exports.export(ME, identity)
    room.bench.hangs.add((DELETE, "it"))
    payload = room.exports.abandon(ME, identity)

    stack = room.stack(identity.stack_id)
    assert payload == exported
    assert (stack.action, stack.manner.retain) == (Action.DELETE, True)


def test_a_repeated_abandon_gets_the_data_again_when_the_stack_is_gone(
    room: EngineRoom, identity: StackIdentity
) -> None:
    first = room.exports.abandon(ME, identity, request_id="one")
    room.wait(identity)

    assert room.exports.abandon(ME, identity, request_id="one") == first
    assert refused(lambda: room.exports.abandon(ME, identity)).code is Code.STACK_NOT_FOUND
    assert refused(lambda: room.exports.abandon(ME, UNKNOWN, request_id="one")).code is Code.REQUEST_ID_REUSED


def test_a_stack_that_failed_can_be_abandoned_and_a_busy_one_can_not(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "it"))
    identity = room.create("s", hot({"it": {}}))
    error = refused(lambda: room.exports.abandon(ME, identity))
    assert isinstance(error, ActionInProgress)
    assert room.stack(identity.stack_id).action is CREATE

    room.bench.fails.add((CREATE, "it"))
    room.bench.waits.clear()
    assert str(room.wait(identity).state) == "CREATE_FAILED"
    assert room.exports.abandon(ME, identity)["status"] == "FAILED"


def test_a_delete_after_an_abandon_takes_nothing_that_was_given_away(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.hangs.add((DELETE, "it"))
    room.exports.abandon(ME, identity)
    room.delete(identity)

    assert room.wait(identity).deleted_time is not None
    assert room.bench.count(DELETE, "it") == 0


def test_without_the_switch_nothing_is_handed_out_whatever_the_stack(tmp_path: Path) -> None:
    with EngineRoom(tmp_path) as room:
        identity = room.create("s", hot({"it": {}}))
        room.wait(identity)
        for call in (room.exports.export, room.exports.abandon):
            for wanted in (identity, UNKNOWN):
                error = refused(lambda call=call, wanted=wanted: call(ME, wanted))
                assert (error.code, error.fields["feature"]) == (Code.FEATURE_DISABLED, "Stack Abandon")
        assert room.stack(identity.stack_id).action is CREATE


def test_a_foreign_stack_is_not_found(room: EngineRoom, identity: StackIdentity) -> None:
    anonymous = replace(identity, tenant="")
    for call in (room.exports.export, room.exports.abandon):
        assert refused(lambda call=call: call(Caller("other"), anonymous)).code is Code.STACK_NOT_FOUND


def test_what_is_exported_can_be_read_again(room: EngineRoom, identity: StackIdentity) -> None:
    assert set(export.adopted_of(room.exports.export(ME, identity)).resources) == {"it"}
