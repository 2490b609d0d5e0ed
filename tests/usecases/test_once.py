"""Calls that are made twice take effect once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import Caller, StackRecord
from engine.model.states import Action, Status
from engine.store import events, requests, stacks, templates
from engine.usecases.commands import CreateStack, Given, UpdateStack
from engine.usecases.stacks import ListStacks
from kit import stored
from kit.bench import DELETE
from kit.engine_room import ME, EngineRoom, hot

R = "the same"
FAILED = (Action.UPDATE, Status.FAILED)
RUNNING = (Action.UPDATE, Status.IN_PROGRESS)
ONE = hot({"it": {}})
Call = Callable[[EngineRoom, StackIdentity], object]

# Every call that changes a stack that is there: the state it is made in, and how it is made.
CALLS: dict[str, tuple[tuple[Action, Status], Call]] = {
    "update": (FAILED, lambda room, it: room.update(it, ONE, request_id=R)),
    "delete": (FAILED, lambda room, it: room.stacks.delete(ME, it, request_id=R)),
    "suspend": (FAILED, lambda room, it: room.actions.suspend(ME, it, request_id=R)),
    "resume": (FAILED, lambda room, it: room.actions.resume(ME, it, request_id=R)),
    "check": (FAILED, lambda room, it: room.actions.check(ME, it, request_id=R)),
    "cancel": (RUNNING, lambda room, it: room.actions.cancel_update(ME, it, rollback=False, request_id=R)),
    "cancel with rollback": (RUNNING, lambda room, it: room.actions.cancel_update(ME, it, rollback=True, request_id=R)),
    "rollback": (FAILED, lambda room, it: room.actions.rollback(ME, it, skip=["it"], request_id=R)),
}
EVERY_CALL = pytest.mark.parametrize(("state", "call"), [pytest.param(*case, id=id_) for id_, case in CALLS.items()])
CREATE = CreateStack("s", Given(hot({"it": {}})), request_id="first")


@pytest.fixture
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineRoom]:
    """An engine room that was never started: what begins in it is stored, and nobody walks."""
    room = EngineRoom(tmp_path_factory.mktemp("still"))
    yield room
    room.stop()


def there(room: EngineRoom, state: tuple[Action, Status], project: str = ME.project) -> StackRecord:
    definition = stored.definition(template=ONE)
    with room.db.write() as tx:
        templates.save(tx, definition)
        action, status = state
        return stored.inserted(tx, action=action, status=status, project=project, definition_id=definition.id)


def count_of_events(room: EngineRoom, stack: StackRecord) -> int:
    with room.db.read() as tx:
        return len(events.after(tx, root_id=stack.id, position=0, limit=100))


def grow_old(room: EngineRoom, **age: float) -> None:
    """Let every answer have been given so long ago."""
    with room.db.write() as tx:
        tx.connection.execute(requests.REQUEST.update().values(created_time=tx.now() - timedelta(**age)))


@EVERY_CALL
def test_a_repeated_call_takes_effect_once(still: EngineRoom, state: tuple[Action, Status], call: Call) -> None:
    stack = there(still, state)
    first = call(still, stack.identity)
    begun = still.stack(stack.id)

    assert call(still, stack.identity) == first
    assert still.stack(stack.id) == begun != stack
    assert count_of_events(still, stack) == 1


@EVERY_CALL
def test_the_same_call_from_many_at_once_takes_effect_once_and_all_get_its_answer(
    still: EngineRoom, state: tuple[Action, Status], call: Call
) -> None:
    stack = there(still, state)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(call, still, stack.identity) for _ in range(8)]

    assert len({answer.result() for answer in answers}) == 1
    assert count_of_events(still, stack) == 1


@EVERY_CALL
def test_a_request_id_is_refused_for_another_stack(still: EngineRoom, state: tuple[Action, Status], call: Call) -> None:
    first, second = there(still, state), there(still, state)
    call(still, first.identity)
    with pytest.raises(EngineError) as refused:
        call(still, second.identity)

    assert refused.value.code is Code.REQUEST_ID_REUSED
    assert still.stack(second.id) == second


def test_a_request_id_is_refused_for_another_method_that_is_given_the_same(still: EngineRoom) -> None:
    stack = there(still, (Action.SUSPEND, Status.FAILED))
    still.actions.suspend(ME, stack.identity, request_id=R)
    suspended = still.stack(stack.id)
    with pytest.raises(EngineError) as refused:
        still.actions.resume(ME, stack.identity, request_id=R)

    assert refused.value.code is Code.REQUEST_ID_REUSED
    assert still.stack(stack.id) == suspended


def test_a_request_id_is_refused_for_the_same_method_that_is_given_more(still: EngineRoom) -> None:
    stack = there(still, FAILED)
    still.actions.rollback(ME, stack.identity, request_id=R)
    with pytest.raises(EngineError) as refused:
        still.actions.rollback(ME, stack.identity, skip=["it"], request_id=R)

    assert refused.value.code is Code.REQUEST_ID_REUSED


def test_a_call_that_had_nothing_to_do_does_nothing_later_either(still: EngineRoom) -> None:
    stack = there(still, (Action.SUSPEND, Status.COMPLETE))
    still.actions.suspend(ME, stack.identity, request_id=R)
    with still.db.write() as tx:
        resumed = replace(stack, action=Action.RESUME)
        assert stacks.begin(tx, resumed, expected=stack.traversal)
    still.actions.suspend(ME, stack.identity, request_id=R)

    assert still.stack(stack.id) == resumed


def test_two_projects_may_use_the_same_request_id_for_different_things(still: EngineRoom) -> None:
    mine, theirs = there(still, FAILED), there(still, FAILED, project="theirs")
    still.actions.check(ME, mine.identity, request_id=R)
    still.actions.suspend(Caller("theirs"), theirs.identity, request_id=R)

    assert [str(still.stack(one.id).state) for one in (mine, theirs)] == ["CHECK_IN_PROGRESS", "SUSPEND_IN_PROGRESS"]


def test_a_map_that_comes_in_another_order_is_the_same_body(still: EngineRoom) -> None:
    files = {"one": "1", "two": "2"}
    first = still.stacks.create(ME, replace(CREATE, given=replace(CREATE.given, files=files)))
    turned_around = dict(reversed(files.items()))

    assert still.stacks.create(ME, replace(CREATE, given=replace(CREATE.given, files=turned_around))) == first


def test_a_number_and_the_text_of_it_are_different_bodies(still: EngineRoom) -> None:
    given = Given(hot({}, parameters={"a": {"type": "string"}}), parameters={"a": 1})
    still.stacks.create(ME, replace(CREATE, given=given))
    with pytest.raises(EngineError) as refused:
        still.stacks.create(ME, replace(CREATE, given=replace(given, parameters={"a": "1"})))

    assert refused.value.code is Code.REQUEST_ID_REUSED


def test_an_answer_counts_for_24_hours(still: EngineRoom) -> None:
    stack = there(still, FAILED)
    still.stacks.delete(ME, stack.identity, request_id=R)
    grow_old(still, hours=23, minutes=59)
    still.stacks.delete(ME, stack.identity, request_id=R)

    assert count_of_events(still, stack) == 1


def test_an_older_answer_counts_as_none_even_before_it_is_swept_away(still: EngineRoom) -> None:
    stack = there(still, FAILED)
    still.stacks.delete(ME, stack.identity, request_id=R)
    grow_old(still, hours=24, minutes=1)
    still.stacks.delete(ME, stack.identity, request_id=R)
    still.stacks.delete(ME, stack.identity, request_id=R)

    assert count_of_events(still, stack) == 2


def test_after_24_hours_a_request_id_may_be_used_for_something_else(still: EngineRoom) -> None:
    stack = there(still, FAILED)
    still.actions.rollback(ME, stack.identity, request_id=R)
    grow_old(still, hours=25)
    still.stacks.delete(ME, stack.identity, request_id=R)

    assert str(still.stack(stack.id).state) == "DELETE_IN_PROGRESS"


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


@pytest.mark.parametrize("given", [pytest.param("a" * 256, id="too long"), pytest.param("a\0b", id="with NUL")])
def test_a_request_id_that_cannot_be_kept_is_refused(still: EngineRoom, given: str) -> None:
    with pytest.raises(EngineError) as refused:
        still.stacks.create(ME, replace(CREATE, request_id=given))

    assert (refused.value.code, refused.value.fields["field"]) == (Code.INVALID_ARGUMENT, "request_id")
    assert "at most 255 characters" in str(refused.value)


def test_the_longest_request_id_is_kept(still: EngineRoom) -> None:
    command = replace(CREATE, request_id="ä" * 255)

    assert still.stacks.create(ME, command) == still.stacks.create(ME, command)
