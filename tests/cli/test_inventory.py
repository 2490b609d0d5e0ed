"""Resources that the engine lists level by level, put where they belong."""

from __future__ import annotations

from typing import Any

from engine.cli import inventory
from engine.cli.inventory import Inventory


def listed(name: str, stack: str, nested: str = "") -> dict[str, Any]:
    nested_id = {"stack_id": nested, "stack_name": nested} if nested else None
    return {"resource_name": name, "stack_identity": {"stack_id": stack}, "nested_stack_id": nested_id}


def test_each_resource_comes_before_what_is_nested_in_it() -> None:
    found = inventory.placed(
        "root",
        [
            listed("a", "root", "a-id"),
            listed("b", "root", "b-id"),
            listed("x", "a-id"),
            listed("x", "b-id", "x-id"),
            listed("deep", "x-id"),
        ],
    )

    paths = ["/".join(one.path) for one in Inventory({}, found).resources]
    assert paths == ["a", "a/x", "b", "b/x", "b/x/deep"]


def test_what_is_in_a_stack_whose_holder_went_meanwhile_is_left_out() -> None:
    found = inventory.placed("root", [listed("a", "root"), listed("x", "gone")])

    assert [one.path for one in Inventory({}, found).resources] == [("a",)]


def test_many_nested_stacks_are_put_in_place_without_a_delay() -> None:
    """With a search for each of them this would take minutes, and run into the time limit of a test."""
    tops = [listed(f"r{number}", "root", f"id{number}") for number in range(5_000)]
    inside = [listed("x", f"id{number}") for number in range(5_000) for _ in range(4)]

    found = Inventory({}, inventory.placed("root", [*tops, *inside]))

    assert sum(1 for _ in found.resources) == 25_000
