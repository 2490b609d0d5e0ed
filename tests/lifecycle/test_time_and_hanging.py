"""A stack has so much time, and a call that never returns costs one thread and no stack."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.plugin import Context
from engine.runtime.machinery import Settings
from kit.bench import CREATE, DELETE, PATIENCE, UPDATE, Thing
from kit.clock import FakeClock
from kit.engine_room import EngineRoom, hot

SLOW = {"after": 1_000_000}  # one quick look, and then none that the test lives to see


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def room(tmp_path: Path, clock: FakeClock) -> Iterator[EngineRoom]:
    """A room where time stands still until the test moves it."""
    settings = Settings(pool_size=2, stack_action_timeout=3600, plugin_call_timeout=600)
    with EngineRoom(tmp_path, clock=clock, settings=settings) as room:
        yield room


def test_a_stack_that_takes_longer_than_its_timeout_fails(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": SLOW, "after": {"_depends_on": "slow"}}), timeout_mins=1)
    room.bench.until_called(CREATE, "slow", times=2)
    clock.advance(61)
    stack = room.wait(identity)

    room.news.event("slow", "CREATE_FAILED")
    assert (str(stack.state), stack.reason) == ("CREATE_FAILED", "Timed out")
    (row,) = room.rows(stack.id)
    assert (str(row.state), row.reason) == ("CREATE_FAILED", "CREATE aborted (Timed out)")
    assert "slow CREATE_FAILED" in room.history(identity)


def test_a_stack_that_says_nothing_has_the_time_of_the_configuration(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": SLOW}))
    room.bench.until_called(CREATE, "slow", times=2)
    clock.advance(3000)
    in_between = str(room.stack(identity.stack_id).state)
    clock.advance(601)

    assert in_between == "CREATE_IN_PROGRESS"
    assert room.wait(identity).reason == "Timed out"


def test_a_create_that_timed_out_is_rolled_back_where_the_stack_says_so(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": SLOW, "a": {}}), timeout_mins=1, disable_rollback=False)
    room.bench.until_called(CREATE, "slow", times=2)
    clock.advance(61)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.bench.built == {}
    assert "s CREATE_FAILED" in room.history(identity)


def test_an_update_that_timed_out_is_mended_by_the_next(room: EngineRoom, clock: FakeClock) -> None:
    identity = room.create("s", hot({"a": {"value": "1", **SLOW}}), timeout_mins=1)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "a"))
    room.update(identity, hot({"a": {"value": "2", **SLOW}}))
    room.bench.until_called(UPDATE, "a", times=2)
    clock.advance(61)

    assert room.wait(identity).reason == "Timed out"
    room.news.event("a", "UPDATE_FAILED")
    assert room.row(identity, "a").reason == "UPDATE aborted (Timed out)"

    room.bench.waits.clear()
    room.update(identity, hot({"a": {"value": "3", **SLOW}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "a").properties["value"] == "3"


def test_a_delete_that_timed_out_fails_and_the_next_one_ends_it(room: EngineRoom, clock: FakeClock) -> None:
    identity = room.create("s", hot({"a": SLOW}), timeout_mins=1)
    room.wait(identity)
    room.bench.waits.add((DELETE, "a"))
    room.delete(identity)
    room.bench.until_called(DELETE, "a", times=2)
    clock.advance(61)

    assert (str(room.wait(identity).state), room.stack(identity.stack_id).reason) == ("DELETE_FAILED", "Timed out")

    room.bench.waits.clear()
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"


def test_a_call_that_hangs_is_written_off_and_other_stacks_go_on(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.hangs |= {(CREATE, "h1"), (CREATE, "h2")}
    room.create("hung", hot({"h1": {}, "h2": {}}))
    room.bench.until_called(CREATE, "h1")
    room.bench.until_called(CREATE, "h2")
    other = room.create("other", hot({"a": {}}))
    clock.advance(601)

    assert str(room.wait(other).state) == "CREATE_COMPLETE"


def test_a_resource_whose_call_hangs_fails_and_so_does_its_stack(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.hangs.add((CREATE, "hung"))
    identity = room.create("s", hot({"hung": {}, "beside": {}}))
    room.bench.until_called(CREATE, "hung")
    room.news.event("beside", "CREATE_COMPLETE")
    clock.advance(601)
    stack = room.wait(identity)

    assert str(stack.state) == "CREATE_FAILED"
    assert str(room.row(identity, "hung").state) == "CREATE_FAILED"
    assert "resources.hung" in stack.reason


def test_a_call_that_returns_after_it_was_written_off_changes_nothing(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.hangs.add((CREATE, "hung"))
    identity = room.create("s", hot({"hung": {}}))
    room.bench.until_called(CREATE, "hung")
    clock.advance(601)
    room.wait(identity)
    history = room.history(identity)
    room.bench.let_go()
    room.bench.hangs.clear()
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.history(identity)[: len(history)] == history
    assert "hung CREATE_COMPLETE" not in room.history(identity)


def test_a_call_that_returns_after_it_was_written_off_begins_nothing(
    room: EngineRoom, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit that hung while it looked at what is really there would have updated it next."""
    looking: list[threading.Thread] = []
    go_on = threading.Event()

    def observe(_: Thing, ctx: Context) -> None:
        if ctx.name == "a":
            looking.append(threading.current_thread())
            go_on.wait(PATIENCE)

    monkeypatch.setattr(Thing, "observe", observe)
    identity = room.create("s", hot({"a": {"value": "1"}, "slow": {"value": "1", **SLOW}}))
    room.wait(identity)
    room.bench.waits.add((UPDATE, "slow"))
    room.update(identity, hot({"a": {"value": "2"}, "slow": {"value": "2", **SLOW}}), converge=True)
    room.bench.until_called(UPDATE, "slow", times=2)
    clock.advance(601)
    other = room.wait(room.create("other", hot({"b": {}})))  # by then the call has been written off
    go_on.set()
    (late,) = looking
    late.join()

    assert str(other.state) == "CREATE_COMPLETE"
    assert str(room.stack(identity.stack_id).state) == "UPDATE_IN_PROGRESS", "its walk is still the current one"
    assert room.bench.count(UPDATE, "a") == 0
    assert str(room.row(identity, "a").state) == "CREATE_COMPLETE"


def test_a_stack_with_a_call_that_hangs_can_be_deleted(room: EngineRoom, clock: FakeClock) -> None:
    room.bench.hangs.add((CREATE, "hung"))
    identity = room.create("s", hot({"hung": {}}))
    room.bench.until_called(CREATE, "hung")
    room.delete(identity)
    clock.advance(601)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
