"""Those who watch, and what they watch."""

from __future__ import annotations

import threading

from kit.bench import PATIENCE
from kit.engine_room import EngineRoom, hot


def test_a_walk_does_not_wait_until_watchers_are_told(room: EngineRoom) -> None:
    told = threading.Event()
    room.machinery.watching.post(told.wait, PATIENCE)
    identity = room.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    stack = room.wait(identity)

    assert str(stack.state) == "CREATE_COMPLETE"
    assert not told.is_set()
    told.set()
