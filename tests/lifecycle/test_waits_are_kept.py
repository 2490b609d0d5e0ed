"""A wait lasts as long as the resource type asked for, whoever looks at the stack meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from engine.runtime.machinery import Settings
from kit.bench import CREATE
from kit.clock import FakeClock
from kit.engine_room import EngineRoom, hot


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def room(tmp_path: Path, clock: FakeClock) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, clock=clock, settings=Settings(pool_size=2)) as room:
        yield room


DELAY = "heat_template_version: 2018-08-31\nresources:\n  pause: {type: OS::Heat::Delay, properties: {min_wait: 300}}\n"


def test_a_stack_that_is_walked_is_left_alone_by_the_search_for_forgotten_ones(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "slow"))
    identity = room.create("s", hot({"slow": {"after": 1000}}))
    room.bench.until_called(CREATE, "slow", times=2)
    room.machinery.recovery.sweep()
    room.machinery.recovery.sweep()
    for _ in range(3):  # what a sweep may have set off goes through the pool and back to the loop
        passed: Future[None] = Future()
        room.machinery.pool.submit(identity.stack_id, partial(room.machinery.loop.post, passed.set_result, None))
        passed.result(10)

    assert str(room.stack(identity.stack_id).state) == "CREATE_IN_PROGRESS"
    assert room.bench.calls.count((CREATE, "slow")) == 2


def test_a_wait_is_not_cut_short_by_a_restart_and_ends_when_it_is_due(room: EngineRoom, clock: FakeClock) -> None:
    identity = room.create("s", DELAY)
    room.news.event("pause", "CREATE_IN_PROGRESS")
    room.restart()
    clock.advance(299)
    in_between = str(room.stack(identity.stack_id).state)
    clock.advance(2)

    assert in_between == "CREATE_IN_PROGRESS"
    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
