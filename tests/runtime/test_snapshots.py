"""Snapshots taken away, with what their resources have saved for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.ids import SnapshotId, StackIdentity
from engine.model.records import SnapshotRecord, StackRecord
from engine.model.states import Action, Status
from engine.runtime import exports
from engine.runtime.machinery import Settings
from engine.runtime.snapshots import NotRemoved
from engine.store import snapshots
from kit.bench import DELETE, PATIENCE, Bench
from kit.engine_room import ME, EngineRoom, hot
from kit.stored import at, new_id

INNER = {"inner.yaml": hot({"x": {}})}


class Asked(Bench):
    """Notes what it is asked to take away, and lets a test hold such a call."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[tuple[str, str | None]] = []
        self.held = threading.Event()
        self.held.set()
        self.called = threading.Event()

    def forget_saved(self, name: str, key: str | None) -> None:
        self.called.set()
        self.held.wait(PATIENCE)
        self.forgotten.append((name, key))
        super().forget_saved(name, key)


@pytest.fixture
def bench() -> Asked:
    return Asked()


@pytest.fixture
def room(tmp_path: Path, bench: Asked) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, bench=bench) as room:
        yield room
        bench.held.set()


def created(room: EngineRoom, template: str, **given: Any) -> StackRecord:
    identity = room.create("s", template, files=INNER, **given)
    room.wait(identity)
    return room.stack(identity.stack_id)


def taken(room: EngineRoom, stack: StackRecord, **changes: Any) -> SnapshotRecord:
    """Return a snapshot of a stack as it is, in which every resource has saved something under its own name."""
    ended = replace(room.stack(stack.id), action=Action.SNAPSHOT, status=Status.COMPLETE)
    with room.db.write() as tx:
        data = exports.read(tx, ended)
        _save(data)
        known: dict[str, Any] = {
            "id": SnapshotId(new_id()),
            "stack_id": stack.id,
            "name": "",
            "project": stack.project,
            "action": Action.CREATE,
            "status": Status.COMPLETE,
            "reason": "",
            "created_time": at(0),
            "data": data,
        }
        record = SnapshotRecord(**{**known, **changes})
        snapshots.insert(tx, record)
    return record


def _save(data: dict[str, Any]) -> None:
    for name, entry in data["resources"].items():
        if "resources" in entry:
            _save(entry)
        else:
            entry |= {"action": "SNAPSHOT", "status": "COMPLETE", "resource_data": {"saved": f"{name}'s"}}


def stored(room: EngineRoom, snapshot: SnapshotRecord) -> SnapshotRecord | None:
    with room.db.read() as tx:
        return snapshots.get(tx, snapshot.id)


def begun(room: EngineRoom, stack: StackRecord) -> SnapshotRecord:
    """Return a snapshot whose removal was begun by an engine that is gone."""
    return taken(room, stack, action=DELETE, status=Status.IN_PROGRESS)


def test_all_that_was_saved_is_taken_away_and_the_row_is_the_callers(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}, "b": {}, "box": {"_type": "inner.yaml"}}))
    snapshot = taken(room, stack)
    room.machinery.removals.remove(stack, snapshot)

    assert sorted(bench.forgotten) == [("a", "a's"), ("b", "b's"), ("x", "x's")]
    assert stored(room, snapshot) == snapshot


def test_what_is_gone_by_now_is_taken_away_all_the_same(room: EngineRoom, bench: Asked) -> None:
    mapped = "resource_registry: {My::Thing: Test::Thing}"
    template = hot({"a": {"_type": "My::Thing"}, "box": {"_type": "inner.yaml"}})
    stack = created(room, template, environment=mapped)
    snapshot = taken(room, stack)
    room.update(stack.identity, hot({}))
    room.wait(stack.identity)
    room.machinery.removals.remove(room.stack(stack.id), snapshot)

    assert sorted(bench.forgotten) == [("a", "a's"), ("x", "x's")]


def test_what_can_not_be_taken_away_keeps_nothing_else_from_it_and_is_told(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}, "b": {}, "box": {"_type": "inner.yaml"}}))
    snapshot = taken(room, stack)
    bench.fails |= {(DELETE, "snapshot of a"), (DELETE, "snapshot of x")}
    with pytest.raises(NotRemoved) as refused:
        room.machinery.removals.remove(stack, snapshot)

    assert refused.value.message.startswith("ResourceFailed: resources.")
    assert refused.value.message.endswith(" was told to stay (and 1 more)")
    assert ("b", "b's") in bench.forgotten


def test_a_resource_in_a_nested_stack_is_told_with_its_path(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"box": {"_type": "inner.yaml"}}))
    bench.fails.add((DELETE, "snapshot of x"))
    with pytest.raises(NotRemoved, match=r"^ResourceFailed: resources\.box\.resources\.x: the snapshot of x"):
        room.machinery.removals.remove(stack, taken(room, stack))


def test_a_type_that_is_gone_is_told(room: EngineRoom) -> None:
    stack = created(room, hot({"a": {}}))
    snapshot = taken(room, stack)
    snapshot.data["resources"]["a"]["type"] = "Test::Gone"
    with pytest.raises(NotRemoved, match=r"resources\.a: The Resource Type \(Test::Gone\) could not be found"):
        room.machinery.removals.remove(stack, snapshot)


def test_of_half_a_snapshot_stays_what_another_one_has_too(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}, "b": {}}))
    whole, half = taken(room, stack), taken(room, stack)
    half.data["status"] = "FAILED"
    half.data["resources"]["b"]["resource_data"] = {"saved": "newer"}
    room.machinery.removals.remove(stack, half)

    assert bench.forgotten == [("b", "newer")]
    assert stored(room, whole) == whole


def test_a_removal_that_was_cut_short_is_made_again(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}}))
    left = begun(room, stack)

    assert room.machinery.removals.sweep() == 1
    room.machinery.groups.stop(stack.id, graceful=True)
    assert bench.forgotten == [("a", "a's")]
    assert stored(room, left) is None
    assert room.machinery.removals.sweep() == 0


def test_a_removal_that_is_under_way_is_not_begun_a_second_time(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}}))
    begun(room, stack)
    bench.held.clear()
    for _ in range(3):
        room.machinery.removals.sweep()
    assert bench.called.wait(PATIENCE)

    bench.held.set()
    room.machinery.groups.stop(stack.id, graceful=True)
    assert bench.forgotten == [("a", "a's")]


def test_a_removal_that_never_started_can_be_begun_later(tmp_path: Path, bench: Asked) -> None:
    with EngineRoom(tmp_path, bench=bench, settings=Settings(pool_size=1)) as room:
        stack = created(room, hot({"a": {}}))
        left = begun(room, stack)
        bench.hangs.add((Action.CREATE, "slow"))
        room.create("busy", hot({"slow": {}}))
        bench.until_called(Action.CREATE, "slow")  # there is no other thread
        room.machinery.removals.sweep()
        room.machinery.groups.stop(stack.id)
        assert stored(room, left) == left

        bench.let_go()
        room.machinery.removals.sweep()
        room.machinery.groups.stop(stack.id, graceful=True)
        assert stored(room, left) is None


def test_a_stack_that_is_deleted_sees_to_its_snapshots_itself(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}}))
    left = begun(room, stack)
    bench.waits.add((DELETE, "a"))
    room.delete(StackIdentity("default", "s", stack.id))
    room.machinery.removals.sweep()

    assert stored(room, left) == left
    assert bench.forgotten == []


@pytest.mark.parametrize(
    ("action", "status"),
    [
        pytest.param(Action.CREATE, Status.COMPLETE, id="one that was taken"),
        pytest.param(Action.CREATE, Status.IN_PROGRESS, id="one whose walk was given up"),
        pytest.param(Action.DELETE, Status.IN_PROGRESS, id="one whose removal was cut short"),
    ],
)
def test_a_snapshot_of_a_stack_that_is_deleted_is_discarded_in_any_state(
    room: EngineRoom, bench: Asked, action: Action, status: Status
) -> None:
    stack = created(room, hot({"a": {}}))
    snapshot = taken(room, stack, action=action, status=status)
    room.machinery.removals.discard(stack, snapshot.id)

    assert bench.forgotten == [("a", "a's")]
    assert stored(room, snapshot) is None
    room.machinery.removals.discard(stack, snapshot.id)
    assert len(bench.forgotten) == 1


def test_a_snapshot_that_can_not_be_discarded_says_why(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}}))
    snapshot = taken(room, stack)
    bench.fails.add((DELETE, "snapshot of a"))
    with pytest.raises(NotRemoved):
        room.machinery.removals.discard(stack, snapshot.id)

    found = stored(room, snapshot)
    assert found is not None
    assert (found.action, found.status) == (DELETE, Status.FAILED)
    assert found.reason == "ResourceFailed: resources.a: the snapshot of a was told to stay"


def test_a_user_can_delete_a_snapshot_while_the_stack_is_busy(room: EngineRoom, bench: Asked) -> None:
    stack = created(room, hot({"a": {}}))
    snapshot = taken(room, stack)
    bench.waits.add((Action.UPDATE, "a"))
    room.update(stack.identity, hot({"a": {"value": "new"}}))
    room.snapshots.delete(ME, stack.identity, snapshot.id)
    bench.waits.clear()
    room.wait(stack.identity)
    room.machinery.groups.stop(stack.id, graceful=True)

    assert stored(room, snapshot) is None
