"""Waiting costs no thread."""

from __future__ import annotations

import threading
from pathlib import Path

from engine.runtime.machinery import Settings
from engine.usecases.limits import Limits
from kit.bench import CREATE
from kit.engine_room import EngineRoom, hot

MANY = 2000


def test_two_thousand_resources_wait_at_the_same_time_on_a_pool_of_sixteen(tmp_path: Path) -> None:
    """None of them ends before the last one has come, so at one moment all of them wait."""
    before = threading.enumerate()
    with EngineRoom(tmp_path, settings=Settings(pool_size=16), limits=Limits(max_resources_per_stack=-1)) as room:
        room.bench.together = MANY
        identity = room.create("many", hot({f"r{number}": {"after": 1.5} for number in range(MANY)}))
        stack = room.wait(identity)
        threads = [thread.name for thread in room.bench.threads_then if thread not in before]

        assert str(stack.state) == "CREATE_COMPLETE"
        assert {row.is_built for row in room.rows(stack.id)} == {True}
        assert len(room.bench.creations) == MANY
        assert set(room.bench.creations.values()) == {1}
        assert sorted(set(threads)) == ["conductor", "journal", "streams", "visitor"]
        assert threads.count("visitor") <= 16
        assert len(threads) <= 19


def test_a_parent_is_woken_by_its_nested_stack_and_does_not_wait_for_its_next_look(tmp_path: Path) -> None:
    """Seven levels would take half a minute if each looked only every five seconds."""
    files = {f"level{depth}.yaml": hot({"down": {"_type": f"level{depth + 1}.yaml"}}) for depth in range(3)}
    files["level3.yaml"] = hot({"x": {}})
    with EngineRoom(tmp_path, limits=Limits(max_nested_stack_depth=9)) as room:
        room.bench.waits.add((CREATE, "x"))
        identity = room.create("top", hot({"down": {"_type": "level0.yaml"}}), files=files)
        room.bench.until_called(CREATE, "x", times=2)
        room.bench.waits.clear()
        room.wait(identity)
        calls = [event.time for event in room.news.events if event.resource_name in ("x", "top")]

        assert (calls[-1] - calls[-2]).total_seconds() < 4
