"""Calls that are made twice take effect once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from engine.model.errors import Code, EngineError
from engine.model.records import Caller
from engine.usecases.commands import CreateStack, Given, UpdateStack
from engine.usecases.stacks import ListStacks
from kit.bench import DELETE
from kit.engine_room import ME, EngineRoom, hot

CREATE = CreateStack("s", Given(hot({"it": {}})), request_id="first")


def test_a_repeated_create_gets_the_first_answer_and_makes_no_second_stack(room: EngineRoom) -> None:
    first = room.stacks.create(ME, CREATE)
    room.wait(first)

    assert room.stacks.create(ME, CREATE) == first
    assert room.stacks.count(ME, ListStacks()) == 1


def test_a_repeated_create_is_answered_even_after_the_stack_is_gone(room: EngineRoom) -> None:
    first = room.stacks.create(ME, CREATE)
    room.delete(first)
    room.wait(first)

    assert room.stacks.create(ME, CREATE) == first
    assert room.stacks.count(ME, ListStacks()) == 0


def test_without_a_request_id_a_second_create_is_another_request(room: EngineRoom) -> None:
    room.stacks.create(ME, replace(CREATE, request_id=""))
    with pytest.raises(EngineError) as refused:
        room.stacks.create(ME, replace(CREATE, request_id=""))

    assert refused.value.code is Code.STACK_EXISTS


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(CREATE, name="t"), id="another name"),
        pytest.param(replace(CREATE, given=Given(hot({"other": {}}))), id="another template"),
        pytest.param(replace(CREATE, given=replace(CREATE.given, parameters={"a": 1})), id="other parameters"),
    ],
)
def test_a_request_id_that_comes_with_another_body_is_refused(room: EngineRoom, other: CreateStack) -> None:
    room.stacks.create(ME, CREATE)
    with pytest.raises(EngineError) as refused:
        room.stacks.create(ME, other)

    assert refused.value.code is Code.REQUEST_ID_REUSED
    assert room.stacks.count(ME, ListStacks()) == 1


def test_request_ids_of_two_projects_have_nothing_to_do_with_each_other(room: EngineRoom) -> None:
    mine = room.stacks.create(ME, CREATE)
    theirs = room.stacks.create(Caller("other"), CREATE)

    assert mine.stack_id != theirs.stack_id


def test_a_request_that_was_refused_is_not_remembered(room: EngineRoom) -> None:
    with pytest.raises(EngineError):
        room.stacks.create(ME, replace(CREATE, given=Given("")))

    assert room.stacks.create(ME, CREATE).stack_name == "s"


def test_a_repeated_update_begins_one_walk(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {}}))
    room.wait(identity)
    command = UpdateStack(identity, Given(hot({"it": {"value": "new"}})), request_id="second")
    room.stacks.update(ME, command)
    room.wait(identity)
    walked = room.stack(identity.stack_id)

    assert room.stacks.update(ME, command) == identity
    assert room.stack(identity.stack_id) == walked


def test_a_repeated_delete_is_answered_when_the_stack_is_gone(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {}}))
    room.wait(identity)
    room.stacks.delete(ME, identity, request_id="third")
    room.wait(identity)
    room.stacks.delete(ME, identity, request_id="third")

    assert room.bench.count(DELETE, "it") == 1


def test_the_same_create_from_many_callers_at_once_makes_one_stack_and_all_get_its_identity(room: EngineRoom) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(room.stacks.create, ME, CREATE) for _ in range(8)]

    assert len({answer.result().stack_id for answer in answers}) == 1
    assert room.stacks.count(ME, ListStacks()) == 1
