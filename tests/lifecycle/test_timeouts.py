"""When the time of an operation is over: whose clock it is, and what becomes of what was under way (engine.md §2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from engine.model.ids import StackIdentity, TraversalId
from engine.model.records import Lock, ResourceRecord
from engine.model.states import Action
from engine.runtime.jobs import Plan
from engine.runtime.machinery import Settings
from engine.runtime.steps import CourseSteps
from engine.store.database import Tx
from kit.bench import CREATE, DELETE, UPDATE
from kit.clock import FakeClock
from kit.engine_room import ME, EngineRoom, hot

SUSPEND, RESUME, CHECK = Action.SUSPEND, Action.RESUME, Action.CHECK
SLOW = {"after": 1_000_000}  # one quick look, and then none that the test lives to see
BEGINS: Mapping[Action, Callable[[EngineRoom, StackIdentity], None]] = {
    SUSPEND: lambda room, identity: room.actions.suspend(ME, identity),
    RESUME: lambda room, identity: room.actions.resume(ME, identity),
    CHECK: lambda room, identity: room.actions.check(ME, identity),
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def room(tmp_path: Path, clock: FakeClock) -> Iterator[EngineRoom]:
    """A room where time stands still until the test moves it."""
    with EngineRoom(tmp_path, clock=clock, settings=Settings(pool_size=2)) as room:
        yield room


def waits(room: EngineRoom, action: Action, name: str) -> None:
    """Return once the operation is under way, and nobody will look at it again by itself."""
    room.bench.until_called(action, name, times=2)


def inside(room: EngineRoom, identity: StackIdentity, name: str) -> StackIdentity:
    """Return the stack that a resource stands for."""
    return room.stack(str(room.row(identity, name).nested_stack_id)).identity


def seen(row: ResourceRecord) -> tuple[str, str]:
    return str(row.state), row.reason


def timed_out(room: EngineRoom, clock: FakeClock) -> StackIdentity:
    """Return a stack that goes back from an update which took too long, and that stands where it takes `extra` away."""
    identity = room.create("s", hot({"a": {}}), timeout_mins=1, disable_rollback=False)
    room.wait(identity)
    room.bench.waits |= {(CREATE, "slow"), (DELETE, "extra")}
    room.update(identity, hot({"a": {}, "extra": SLOW, "slow": {**SLOW, "_depends_on": "extra"}}))
    waits(room, CREATE, "slow")
    clock.advance(61)
    room.bench.until_called(DELETE, "extra")
    return identity


def test_an_update_that_timed_out_is_rolled_back(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.hangs.add((DELETE, "extra"))
    identity = timed_out(room, clock)
    room.bench.waits.clear()
    room.bench.let_go()

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.news.event("s", "UPDATE_FAILED").reason == "Timed out"
    assert room.bench.built == {room.row(identity, "a").id: "a"}
    assert [row.name for row in room.rows(identity.stack_id)] == ["a"]


def test_a_rollback_has_time_of_its_own(room: EngineRoom, clock: FakeClock) -> None:
    identity = timed_out(room, clock)
    clock.advance(59)
    between = str(room.stack(identity.stack_id).state)
    clock.advance(2)
    stack = room.wait(identity)

    assert between == "ROLLBACK_IN_PROGRESS"
    assert (str(stack.state), stack.reason) == ("ROLLBACK_FAILED", "Timed out")


@pytest.mark.parametrize("action", BEGINS)
def test_an_action_that_takes_too_long_fails_and_can_be_asked_for_again(
    room: EngineRoom, clock: FakeClock, action: Action
) -> None:
    identity = room.create("s", hot({"a": SLOW}), timeout_mins=1, disable_rollback=False)
    room.wait(identity)
    if action is RESUME:
        room.actions.suspend(ME, identity)
        room.wait(identity)
    room.bench.waits.add((action, "a"))
    BEGINS[action](room, identity)
    waits(room, action, "a")
    clock.advance(61)
    stack = room.wait(identity)
    room.news.event("a", f"{action}_FAILED")

    assert (str(stack.state), stack.reason) == (f"{action}_FAILED", "Timed out")
    assert seen(room.row(identity, "a")) == (f"{action}_FAILED", f"{action} aborted (Timed out)")

    room.bench.waits.clear()
    BEGINS[action](room, identity)

    assert str(room.wait(identity).state) == f"{action}_COMPLETE"
    assert list(room.bench.built.values()) == ["a"]


def test_the_time_of_an_operation_begins_with_it_and_not_with_the_stack(room: EngineRoom, clock: FakeClock) -> None:
    identity = room.create("s", hot({"a": {"value": "1", **SLOW}}), timeout_mins=1)
    room.wait(identity)
    clock.advance(3600)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2", **SLOW}}))
    waits(room, UPDATE, "a")
    clock.advance(59)
    between = str(room.stack(identity.stack_id).state)
    clock.advance(2)

    assert between == "UPDATE_IN_PROGRESS"
    assert room.wait(identity).reason == "Timed out"


def test_an_update_may_give_a_stack_another_timeout(room: EngineRoom, clock: FakeClock) -> None:
    identity = room.create("s", hot({"a": {"value": "1", **SLOW}}), timeout_mins=1)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2", **SLOW}}), timeout_mins=2)
    waits(room, UPDATE, "a")
    clock.advance(119)
    between = str(room.stack(identity.stack_id).state)
    clock.advance(2)

    assert between == "UPDATE_IN_PROGRESS"
    assert room.wait(identity).reason == "Timed out"


def test_an_update_that_takes_over_has_time_of_its_own(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": SLOW}), timeout_mins=1)
    waits(room, CREATE, "a")
    clock.advance(50)
    room.update(identity, hot({"a": SLOW, "b": {}}))
    room.news.event("b", "CREATE_COMPLETE")
    clock.advance(50)
    between = str(room.stack(identity.stack_id).state)
    clock.advance(11)
    stack = room.wait(identity)

    assert between == "UPDATE_IN_PROGRESS"
    assert (str(stack.state), stack.reason) == ("UPDATE_FAILED", "Timed out")
    room.news.event("a", "CREATE_FAILED")
    assert seen(room.row(identity, "a")) == ("CREATE_FAILED", "CREATE aborted (Timed out)")

    room.bench.waits.clear()
    room.update(identity, hot({"a": SLOW, "b": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.built == {row.id: row.name for row in room.rows(identity.stack_id)}


def test_a_nested_stack_has_the_timeout_of_its_parent(room: EngineRoom) -> None:
    identity = room.create("s", hot({"in": {"_type": "in.yaml"}}), files={"in.yaml": hot({"x": {}})}, timeout_mins=3)
    room.wait(identity)

    assert room.stack(inside(room, identity, "in").stack_id).timeout_mins == 3


def test_when_the_time_of_a_tree_is_over_what_is_nested_has_failed_too(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.waits.add((CREATE, "x"))
    inner = hot({"x": SLOW, "y": {"_depends_on": "x"}})
    identity = room.create("s", hot({"in": {"_type": "in.yaml"}}), files={"in.yaml": inner}, timeout_mins=1)
    waits(room, CREATE, "x")
    nested = inside(room, identity, "in")
    clock.advance(61)
    outer, inner_stack = room.wait(identity), room.wait(nested)

    assert (str(outer.state), outer.reason) == ("CREATE_FAILED", "Timed out")
    assert str(inner_stack.state) == "CREATE_FAILED"
    room.news.event("x", "CREATE_FAILED")
    assert seen(room.row(nested, "x")) == ("CREATE_FAILED", "CREATE aborted (Timed out)")
    assert (CREATE, "y") not in room.bench.calls


def test_the_time_of_a_stack_goes_on_while_a_resource_stands_at_a_breakpoint(
    room: EngineRoom, clock: FakeClock
) -> None:
    environment = "resource_registry: {resources: {a: {hooks: pre-create}}}"
    identity = room.create("s", hot({"a": {}}), environment=environment, timeout_mins=1)
    room.news.reason("a", "CREATE paused until Hook pre-create is cleared")
    clock.advance(61)
    stack = room.wait(identity)
    told = room.news.reason("a", "Failure occurred while waiting.")

    assert (str(stack.state), stack.reason) == ("CREATE_FAILED", "Timed out")
    assert f"{told.action}_{told.status}" == str(room.row(identity, "a").state) == "INIT_COMPLETE"
    assert room.row(identity, "a").hook is None

    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.calls == []


def test_a_stack_that_timed_out_is_not_looked_at_again_and_again_while_a_call_has_not_returned(
    room: EngineRoom, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = CourseSteps.load

    def counted(steps: CourseSteps, lock: Lock, prepared: TraversalId) -> Plan:
        loads.append(lock.stack_id)
        return load(steps, lock, prepared)

    monkeypatch.setattr(CourseSteps, "load", counted)
    monkeypatch.setattr(Tx, "now", lambda _: clock.now())  # so that it is late whenever it is loaded from then on
    room.bench.hangs.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}), timeout_mins=1)
    room.bench.until_called(CREATE, "a")
    clock.advance(61)
    stack = room.wait(identity)
    for name in ("long", "longer", "longest"):  # meanwhile others come and go
        room.wait(room.create(name, hot({"b": {}, "c": {"_depends_on": "b"}})))

    assert stack.reason == "Timed out"
    assert loads.count(identity.stack_id) == 2, "once to set out, once to see what is still under way"
