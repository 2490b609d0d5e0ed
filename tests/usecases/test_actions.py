"""Actions on whole stacks: which state refuses which, what begins, and what a cancel reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model import states
from engine.model.errors import ActionInProgress, Code, EngineError
from engine.model.ids import StackId, StackIdentity
from engine.model.records import Lock, Manner, StackRecord
from engine.model.states import Action, State, Status
from engine.store import events, locks, resources, stacks, templates, walks
from kit import stored
from kit.bench import UPDATE
from kit.engine_room import ME, EngineRoom, hot

ONE = hot({"it": {}})

# What each call does to a stack in each state (rpc.md §1.5, §3.3; engine.md §2.2, §2.6):
#   begins  the action is IN_PROGRESS
#   same    it succeeds, and nothing happens
#   stops   what was under way has FAILED
#   busy    STACK_ACTION_IN_PROGRESS
#   no      INVALID_STACK_STATE
#   gone    STACK_NOT_FOUND
EXPECTED = """
state                 suspend  resume   check    cancel   cancel_back  rollback  update   delete
CREATE_IN_PROGRESS    busy     busy     busy     stops    no           no        begins   begins
CREATE_COMPLETE       begins   begins   begins   no       no           no        begins   begins
CREATE_FAILED         begins   begins   begins   no       no           begins    begins   begins
ADOPT_IN_PROGRESS     busy     busy     busy     no       no           no        begins   begins
ADOPT_COMPLETE        begins   begins   begins   no       no           no        begins   begins
ADOPT_FAILED          begins   begins   begins   no       no           begins    begins   begins
UPDATE_IN_PROGRESS    busy     busy     busy     stops    begins       no        begins   begins
UPDATE_COMPLETE       begins   begins   begins   no       no           no        begins   begins
UPDATE_FAILED         begins   begins   begins   no       no           begins    begins   begins
DELETE_IN_PROGRESS    busy     busy     busy     no       no           no        no       begins
DELETE_COMPLETE       gone     gone     gone     gone     gone         gone      gone     gone
DELETE_FAILED         begins   begins   begins   no       no           no        no       begins
ROLLBACK_IN_PROGRESS  busy     busy     busy     no       no           no        begins   begins
ROLLBACK_COMPLETE     begins   begins   begins   no       no           no        begins   begins
ROLLBACK_FAILED       begins   begins   begins   no       no           begins    begins   begins
SUSPEND_IN_PROGRESS   busy     busy     busy     no       no           no        no       begins
SUSPEND_COMPLETE      same     begins   begins   no       no           no        no       begins
SUSPEND_FAILED        begins   begins   begins   no       no           no        no       begins
RESUME_IN_PROGRESS    busy     busy     busy     no       no           no        begins   begins
RESUME_COMPLETE       begins   same     begins   no       no           no        begins   begins
RESUME_FAILED         begins   begins   begins   no       no           no        begins   begins
SNAPSHOT_IN_PROGRESS  busy     busy     busy     no       no           no        begins   begins
SNAPSHOT_COMPLETE     begins   begins   begins   no       no           no        begins   begins
SNAPSHOT_FAILED       begins   begins   begins   no       no           no        begins   begins
CHECK_IN_PROGRESS     busy     busy     busy     no       no           no        begins   begins
CHECK_COMPLETE        begins   begins   begins   no       no           no        begins   begins
CHECK_FAILED          begins   begins   begins   no       no           no        begins   begins
RESTORE_IN_PROGRESS   busy     busy     busy     no       no           no        begins   begins
RESTORE_COMPLETE      begins   begins   begins   no       no           no        begins   begins
RESTORE_FAILED        begins   begins   begins   no       no           begins    begins   begins
"""
REFUSALS = {
    "busy": Code.STACK_ACTION_IN_PROGRESS,
    "no": Code.INVALID_STACK_STATE,
    "gone": Code.STACK_NOT_FOUND,
}
CALLS: dict[str, Callable[[EngineRoom, StackIdentity], object]] = {
    "suspend": lambda room, it: room.actions.suspend(ME, it),
    "resume": lambda room, it: room.actions.resume(ME, it),
    "check": lambda room, it: room.actions.check(ME, it),
    "cancel": lambda room, it: room.actions.cancel_update(ME, it, rollback=False),
    "cancel_back": lambda room, it: room.actions.cancel_update(ME, it, rollback=True),
    "rollback": lambda room, it: room.actions.rollback(ME, it),
    "update": lambda room, it: room.update(it, ONE),
    "delete": lambda room, it: room.delete(it),
}
BEGINS = {"cancel_back": Action.ROLLBACK} | {name: Action(name.upper()) for name in CALLS if "cancel" not in name}


def parsed() -> list[tuple[State, str, str]]:
    """Return each cell of the table: a state, a call, and what comes of it."""
    (_, *calls), *rows = (line.split() for line in EXPECTED.strip().splitlines())
    return [(state_of(state), call, cell) for state, *cells in rows for call, cell in zip(calls, cells, strict=True)]


def state_of(text: str) -> State:
    action, _, status = text.partition("_")
    return State(Action(action), Status(status))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineRoom]:
    """An engine room that was never started: what begins in it is stored, and nobody walks."""
    room = EngineRoom(tmp_path_factory.mktemp("still"))
    room.neighbours.alive = {stored.ENGINE}  # whatever it holds, nobody steals
    yield room
    room.stop()


def there(room: EngineRoom, state: str | State, **changes: object) -> StackRecord:
    """Return a stack in a state, with the definition ONE that was COMPLETE before."""
    action, status = state_of(state) if isinstance(state, str) else state
    definition = stored.definition(template=ONE)
    known: dict[str, object] = {"definition_id": definition.id, "complete_definition_id": definition.id}
    deleted = stored.START if (action, status) == (Action.DELETE, Status.COMPLETE) else None
    named = {"project": ME.project, "action": action, "status": status, "deleted_time": deleted}
    with room.db.write() as tx:
        templates.save(tx, definition)
        return stored.inserted(tx, **{**known, **named, **changes})


def inside(room: EngineRoom, owner: StackRecord, state: str, **changes: object) -> StackRecord:
    """Return a stack that is nested in another."""
    place = {"owner_id": owner.id, "root_id": owner.top_id, "nested_depth": owner.nested_depth + 1}
    return there(room, state, **place, **changes)


def refused(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


def told(room: EngineRoom, stack: StackRecord) -> list[str]:
    """Return the events of a stack itself: state and reason, oldest first."""
    with room.db.read() as tx:
        found = events.after(tx, root_id=stack.top_id, position=0, limit=1000)
    return [f"{one.action}_{one.status}: {one.reason}" for one in found if one.stack_id == stack.id]


def with_row(room: EngineRoom, stack: StackRecord, name: str) -> None:
    with room.db.write() as tx:
        lock = locks.acquire(tx, stack.id, stored.ENGINE)
        assert isinstance(lock, Lock)
        assert walks.apply(tx, [stored.step(lock, stored.resource(stack, name), stack)]) == [True]
        assert locks.release(tx, lock)


def test_the_table_has_every_state_that_a_stack_can_be_in() -> None:
    assert {state for state, _, _ in parsed()} == set(states.STACK)


@pytest.mark.parametrize(
    ("state", "call", "expected"), [pytest.param(*cell, id=f"{cell[1]} of {cell[0]}") for cell in parsed()]
)
def test_a_state_refuses_a_call_or_lets_it_begin(still: EngineRoom, state: State, call: str, expected: str) -> None:
    before = there(still, state)
    after = {
        "begins": (f"{BEGINS[call]}_IN_PROGRESS", f"Stack {BEGINS[call]} started") if call in BEGINS else None,
        "stops": (f"{state.action}_FAILED", f"Stack {state.action} cancelled"),
    }.get(expected)
    if expected in REFUSALS:
        assert refused(lambda: CALLS[call](still, before.identity)).code is REFUSALS[expected]
    else:
        CALLS[call](still, before.identity)
    stack = still.stack(before.id)

    assert (str(stack.state), stack.reason) == (after or (str(state), before.reason))
    assert (stack.traversal != before.traversal) == (after is not None)
    assert told(still, stack) == ([": ".join(after)] if after else [])


def test_who_has_to_wait_is_told_for_what(still: EngineRoom) -> None:
    stack = there(still, "UPDATE_IN_PROGRESS")
    error = refused(lambda: still.actions.check(ME, stack.identity))

    assert isinstance(error, ActionInProgress)
    assert error.message == f'Stack "{stack.name}" already has an action (UPDATE) in progress.'
    assert error.fields == {"stack_name": stack.name, "action": "UPDATE"}


def test_a_cancel_that_comes_too_late_says_what_the_stack_is(still: EngineRoom) -> None:
    stack = there(still, "UPDATE_COMPLETE")
    error = refused(lambda: still.actions.cancel_update(ME, stack.identity, rollback=False))

    assert error.message == "Cancelling update when stack is UPDATE_COMPLETE is not supported."
    assert error.fields["state"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize("call", CALLS)
def test_a_stack_of_another_project_is_not_there(still: EngineRoom, call: str) -> None:
    stack = there(still, "UPDATE_IN_PROGRESS", project="theirs")
    error = refused(lambda: CALLS[call](still, StackIdentity("", stack.name, stack.id)))

    assert error.code is Code.STACK_NOT_FOUND
    assert still.stack(stack.id) == stack


@pytest.mark.parametrize("call", ["suspend", "resume", "check", "cancel_back", "update", "delete"])
def test_of_the_manner_before_only_the_look_at_reality_stays(still: EngineRoom, call: str) -> None:
    state = "UPDATE_IN_PROGRESS" if call == "cancel_back" else "ROLLBACK_FAILED"
    stack = there(still, state, manner=Manner(observe=True, skip=frozenset({"it"}), unattended=True))
    CALLS[call](still, stack.identity)

    assert still.stack(stack.id).manner == Manner(observe=True)


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        pytest.param(False, None, False, id="never asked for"),
        pytest.param(True, None, True, id="as at the last update"),
        pytest.param(False, True, True, id="asked for"),
        pytest.param(True, False, False, id="not any more"),
    ],
)
def test_an_update_says_whether_reality_is_looked_at(
    still: EngineRoom, before: bool, asked: bool | None, after: bool
) -> None:
    stack = there(still, "CREATE_COMPLETE", manner=Manner(observe=before))
    still.update(stack.identity, ONE, converge=asked)

    assert still.stack(stack.id).manner == Manner(observe=after)


def test_an_action_begins_the_clock_of_its_timeout(still: EngineRoom) -> None:
    stack = there(still, "CREATE_COMPLETE")
    still.actions.suspend(ME, stack.identity)

    assert still.stack(stack.id).updated_time is not None


def test_of_many_checks_at_once_one_begins_and_the_others_have_to_wait(still: EngineRoom) -> None:
    stack = there(still, "CREATE_COMPLETE")
    with ThreadPoolExecutor(6) as pool:
        results = [pool.submit(still.actions.check, ME, stack.identity) for _ in range(6)]
    errors = [one.exception() for one in results]

    assert errors.count(None) == 1
    assert {error.code for error in errors if isinstance(error, EngineError)} == {Code.STACK_ACTION_IN_PROGRESS}
    assert told(still, stack) == ["CHECK_IN_PROGRESS: Stack CHECK started"]


def test_a_rollback_skips_what_it_is_told_to(still: EngineRoom) -> None:
    only_new, only_old = stored.definition(template=hot({"new": {}})), stored.definition(template=hot({"old": {}}))
    with still.db.write() as tx:
        templates.save(tx, only_new)
        templates.save(tx, only_old)
    stack = there(still, "UPDATE_FAILED", definition_id=only_new.id, complete_definition_id=only_old.id)
    with_row(still, stack, "built")
    still.actions.rollback(ME, stack.identity, skip=["built", "new", "old", "old"])

    assert still.stack(stack.id).manner == Manner(skip=frozenset({"built", "new", "old"}))


def test_a_rollback_that_is_to_skip_what_nobody_knows_does_not_begin(still: EngineRoom) -> None:
    stack = there(still, "UPDATE_FAILED")
    error = refused(lambda: still.actions.rollback(ME, stack.identity, skip=["it", "nobody", "no one"]))

    assert (error.code, error.fields["resource_name"]) == (Code.RESOURCE_NOT_FOUND, "no one, nobody")
    assert still.stack(stack.id) == stack


def test_a_stack_that_was_never_complete_is_rolled_back_to_nothing(still: EngineRoom) -> None:
    stack = there(still, "CREATE_FAILED", complete_definition_id=None)
    still.actions.rollback(ME, stack.identity, skip=["it"])

    assert still.stack(stack.id).target_id is None


def test_a_cancel_reaches_all_that_is_under_way_inside_and_nothing_else(still: EngineRoom) -> None:
    root = there(still, "UPDATE_IN_PROGRESS")
    running, deleted = inside(still, root, "CREATE_IN_PROGRESS"), inside(still, root, "DELETE_IN_PROGRESS")
    done, failed = inside(still, root, "UPDATE_COMPLETE"), inside(still, root, "UPDATE_FAILED")
    deep = inside(still, done, "CHECK_IN_PROGRESS")
    other = inside(still, there(still, "UPDATE_IN_PROGRESS"), "UPDATE_IN_PROGRESS")
    still.actions.cancel_update(ME, root.identity, rollback=False)

    assert [still.stack(one.id) for one in (deleted, done, failed, other)] == [deleted, done, failed, other]
    assert told(still, root) == ["UPDATE_FAILED: Stack UPDATE cancelled"]
    assert told(still, running) == ["CREATE_FAILED: Stack CREATE cancelled"]
    assert told(still, deep) == ["CHECK_FAILED: Stack CHECK cancelled"]
    assert len({still.stack(one.id).traversal for one in (root, running, deep)} - {root.traversal}) == 3


def test_a_cancel_of_a_nested_stack_leaves_what_is_around_it_alone(still: EngineRoom) -> None:
    root = there(still, "UPDATE_IN_PROGRESS")
    inner, beside = inside(still, root, "UPDATE_IN_PROGRESS"), inside(still, root, "UPDATE_IN_PROGRESS")
    deep = inside(still, inner, "UPDATE_IN_PROGRESS")
    still.actions.cancel_update(ME, inner.identity, rollback=False)

    assert [still.stack(one.id) for one in (root, beside)] == [root, beside]
    assert {str(still.stack(one.id).state) for one in (inner, deep)} == {"UPDATE_FAILED"}


def test_a_cancel_keeps_the_walk_before_from_starting_anything_and_not_from_recording(still: EngineRoom) -> None:
    stack = there(still, "UPDATE_IN_PROGRESS")
    with still.db.write() as tx:
        lock = locks.acquire(tx, stack.id, stored.ENGINE)
        assert isinstance(lock, Lock)
        in_flight = stored.resource(stack, "in-flight")
        assert walks.apply(tx, [stored.step(lock, in_flight, stack)]) == [True]
    still.actions.cancel_update(ME, stack.identity, rollback=False)
    outcome = replace(in_flight, status=Status.COMPLETE, version=1)
    with still.db.write() as tx:
        start, record = stored.step(lock, stored.resource(stack), stack), stored.step(lock, outcome, stack)
        landed = walks.apply(tx, [start, replace(record, traversal=None)])

    assert landed == [False, True]
    with still.db.read() as tx:
        (row,) = resources.of_stack(tx, stack.id)
    assert (row.name, str(row.state)) == ("in-flight", "CREATE_COMPLETE")


def test_a_cancel_keeps_what_the_stack_has_and_where_a_rollback_leads(still: EngineRoom) -> None:
    stack = there(still, "UPDATE_IN_PROGRESS", tags=("a", "b"), timeout_mins=5, disable_rollback=False)
    still.actions.cancel_update(ME, stack.identity, rollback=False)
    after = still.stack(stack.id)

    assert after == replace(stack, status=Status.FAILED, reason=after.reason, traversal=after.traversal)


def test_all_engines_that_walk_a_tree_are_asked_to_look_again_the_outermost_first(tmp_path: Path) -> None:
    room = EngineRoom(tmp_path)
    root = there(room, "UPDATE_IN_PROGRESS")
    inner = inside(room, root, "UPDATE_IN_PROGRESS")
    room.neighbours.alive = {stored.ENGINE}
    with room.db.write() as tx:
        locks.acquire(tx, root.id, stored.ENGINE)
        locks.acquire(tx, inner.id, stored.ENGINE)
    room.actions.cancel_update(ME, root.identity, rollback=False)

    assert room.neighbours.poked == [(stored.ENGINE, root.id), (stored.ENGINE, inner.id)]
    room.stop()


def test_a_cancel_and_the_end_of_the_walk_do_not_both_come_true(still: EngineRoom) -> None:
    """The one that comes second finds the stack as the first has left it."""
    stack = there(still, "UPDATE_IN_PROGRESS")
    with still.db.write() as tx:
        lock = locks.acquire(tx, stack.id, stored.ENGINE)
    assert isinstance(lock, Lock)
    still.actions.cancel_update(ME, stack.identity, rollback=False)
    ended = stacks.Ending(replace(stack, status=Status.COMPLETE), None, expected=stack.traversal, release=True)
    with still.db.write() as tx:
        landed = stacks.finish(tx, lock, ended)

    assert not landed
    assert str(still.stack(stack.id).state) == "UPDATE_FAILED"


def test_a_cancel_rolls_back_even_where_that_is_disabled(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {"value": "old"}}), disable_rollback=True)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "it"))
    room.update(identity, hot({"it": {"value": "new"}}))
    room.news.event("it", "UPDATE_IN_PROGRESS")
    room.actions.cancel_update(ME, identity, rollback=True)
    room.bench.waits.clear()
    stack = room.wait(identity)

    assert (str(stack.state), stack.disable_rollback) == ("ROLLBACK_COMPLETE", True)
    assert room.row(identity, "it").properties["value"] == "old"


def test_a_rollback_that_was_not_done_by_itself_can_be_asked_for(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {"value": "old"}}))
    room.wait(identity)
    room.bench.fails.add((UPDATE, "it"))
    room.update(identity, hot({"it": {"value": "new"}}))
    failed = room.wait(identity)
    room.bench.fails.clear()
    room.actions.rollback(ME, identity)
    stack = room.wait(identity)

    assert (str(failed.state), str(stack.state)) == ("UPDATE_FAILED", "ROLLBACK_COMPLETE")
    assert room.row(identity, "it").properties["value"] == "old"


def test_a_stack_that_is_not_there_is_not_found(still: EngineRoom) -> None:
    nowhere = StackIdentity(ME.project, "nowhere", StackId("11111111-1111-1111-1111-111111111111"))

    assert {refused(lambda call=call: call(still, nowhere)).code for call in CALLS.values()} == {Code.STACK_NOT_FOUND}
