"""What goes with a snapshot, and what stays because another one has it too."""

from __future__ import annotations

from typing import Any

from engine.model.ids import SnapshotId
from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status
from engine.plan import saved
from kit import stored


def entry(data: Any, state: str = "SNAPSHOT_COMPLETE", physical_id: str = "1") -> dict[str, Any]:
    action, _, status = state.partition("_")
    return {"resource_id": physical_id, "action": action, "status": status, "resource_data": data}


def snapshot(status: Status = Status.COMPLETE, **resources: Any) -> SnapshotRecord:
    return SnapshotRecord(
        id=SnapshotId(stored.new_id()),
        stack_id=stored.StackId("s"),
        name="",
        project="p",
        action=Action.DELETE,
        status=Status.IN_PROGRESS,
        reason="",
        created_time=stored.START,
        data={"name": "outer", "status": status, "resources": resources},
    )


def ways(one: SnapshotRecord, *others: SnapshotRecord) -> list[str]:
    return ["/".join(found.way) for found in saved.of_snapshot(one, others)]


def test_of_a_whole_snapshot_everything_goes_nested_resources_too() -> None:
    box = {"name": "inner", "resources": {"b": entry({"n": 2}), "deep": {"resources": {"c": entry({"n": 3})}}}}
    found = saved.of_snapshot(snapshot(a=entry({"n": 1}), box=box, none={}), [])

    assert [one.way for one in found] == [("a",), ("box", "b"), ("box", "deep", "c")]
    assert [one.data for one in found] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert [one.stack.get("name") for one in found] == ["outer", "inner", None]
    assert [one.name for one in found] == ["a", "b", "c"]


def test_a_snapshot_without_data_has_saved_nothing() -> None:
    assert saved.of_snapshot(stored.replace(snapshot(), data=None), []) == []


def test_of_half_a_snapshot_only_goes_what_it_had_come_to() -> None:
    states = {"a": "SNAPSHOT_COMPLETE", "b": "SNAPSHOT_FAILED", "c": "CREATE_COMPLETE", "d": "SNAPSHOT_IN_PROGRESS"}
    half = snapshot(Status.FAILED, **{name: entry({}, state) for name, state in states.items()})

    assert ways(half) == ["a"]


def test_of_half_a_snapshot_stays_what_an_earlier_one_had_saved() -> None:
    earlier = snapshot(kept=entry({"backup": 1}), again=entry({"backup": 2}), moved=entry({}, physical_id="old"))
    half = snapshot(
        Status.FAILED, kept=entry({"backup": 1}), again=entry({"backup": 3}), moved=entry({}), new=entry({"backup": 1})
    )

    assert ways(half, earlier) == ["again", "moved", "new"]
    assert ways(earlier, half) == ["kept", "again", "moved"]


def test_what_a_snapshot_keeps_of_each_resource_has_the_memory_of_its_type() -> None:
    inner = {"name": "inner", "resources": {"b": entry({"n": 2}), "lost": {}}}
    kept = saved.by_name({"resources": {"a": entry({"n": 1}), "box": inner, "gone": {}}})

    assert kept["a"] == entry({"n": 1})
    assert kept["gone"] == {"resource_data": {}}
    assert kept["box"]["resource_data"] == {}
    assert kept["box"]["resources"] == {"b": entry({"n": 2}), "lost": {"resource_data": {}}}
