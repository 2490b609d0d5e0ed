"""An update that looks at what is really there (`converge`, engine.md §3.5), and policies of what is taken away."""

from __future__ import annotations

import pytest

from engine.plugin import Observed
from kit.bench import DELETE, UPDATE
from kit.engine_room import EngineRoom, hot


def test_a_stack_remembers_that_it_is_to_be_looked_at(room: EngineRoom) -> None:
    template = hot({"a": {"value": "1"}})
    identity = room.create("s", template)
    room.wait(identity)
    room.update(identity, template, converge=True)
    room.wait(identity)
    room.bench.really["a"] = Observed(properties={"value": "changed by hand"})
    room.update(identity, template)
    room.wait(identity)

    assert (UPDATE, "a") in room.bench.calls

    room.bench.calls.clear()
    room.update(identity, template, converge=False)
    room.wait(identity)

    assert (UPDATE, "a") not in room.bench.calls


def test_a_nested_stack_that_was_taken_away_is_built_anew(room: EngineRoom) -> None:
    outer, files = hot({"in": {"_type": "inner.yaml"}}), {"inner.yaml": hot({"deep": {"value": "1"}})}
    identity = room.create("s", outer, files=files)
    room.wait(identity)
    inside = room.row(identity, "in").nested_stack_id
    assert inside is not None
    room.delete(room.stack(inside).identity)
    room.news.event(room.stack(inside).name, "DELETE_COMPLETE")
    room.update(identity, outer, files=files)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert sorted(room.bench.built.values()) == ["deep"]
    assert room.row(identity, "in").nested_stack_id != inside


@pytest.mark.parametrize(
    ("policy", "calls", "built", "saved"),
    [("Delete", 1, 0, 0), ("Retain", 0, 1, 0), ("Snapshot", 1, 0, 1)],
)
def test_a_deletion_policy_says_what_becomes_of_the_thing(
    room: EngineRoom, policy: str, calls: int, *, built: int, saved: int
) -> None:
    identity = room.create("s", hot({"a": {"value": "x", "_deletion_policy": policy}}))
    room.wait(identity)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.count(DELETE, "a") == calls
    assert len(room.bench.built) == built
    assert list(room.bench.saved.values()) == ["x"] * saved


def test_a_nested_stack_that_is_retained_leaves_its_things_and_no_stack(room: EngineRoom) -> None:
    outer = hot({"in": {"_type": "inner.yaml", "_deletion_policy": "Retain"}})
    identity = room.create("s", outer, files={"inner.yaml": hot({"deep": {}})})
    room.wait(identity)
    inside = room.row(identity, "in").nested_stack_id
    assert inside is not None
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert str(room.stack(inside).state) == "DELETE_COMPLETE"
    assert list(room.bench.built.values()) == ["deep"]


def test_what_stands_outside_is_never_deleted(room: EngineRoom) -> None:
    room.bench.outside.add("theirs")
    identity = room.create("s", hot({"a": {"_external_id": "theirs"}}))
    room.wait(identity)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.count(DELETE, "a") == 0
