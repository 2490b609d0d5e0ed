"""The rows of a stack that takes over what exists."""

from __future__ import annotations

from engine.model.ids import ResourceId
from engine.plan import adopting
from engine.plan.adopting import Wanted
from engine.plan.export import Adopted
from kit import stored

STACK = stored.stack()
ENTRY = {"name": "a", "resource_id": "a-1", "metadata": {"m": 1}, "resource_data": {"key": "s3cret"}}


def wanted(name: str, **changes: str) -> Wanted:
    return Wanted(
        **{"id": ResourceId(f"row of {name}"), "name": name, "type": "My::T", "implementation": "T", **changes}
    )


def test_each_declared_resource_gets_a_row_with_what_the_data_say_of_its_name() -> None:
    (row,) = adopting.rows(STACK, [wanted("a", deletion_policy="Retain")], Adopted(resources={"a": ENTRY}))

    assert (row.id, row.stack_id, row.name, row.created_time) == ("row of a", STACK.id, "a", STACK.created_time)
    assert (row.type, row.implementation, row.deletion_policy) == ("My::T", "T", "Retain")
    assert str(row.state) == "INIT_COMPLETE"
    assert (row.physical_id, row.data, row.metadata) == ("a-1", {"key": "s3cret"}, {"m": 1})
    assert (row.requires, row.definition_id, row.version) == (frozenset(), None, 0)


def test_what_the_data_do_not_have_gets_a_row_without_an_id() -> None:
    data = Adopted(resources={"b": {}, "c": {"resource_id": None, "metadata": None, "resource_data": None}})
    rows = adopting.rows(STACK, map(wanted, "abc"), data)

    assert [(row.name, row.physical_id, row.data, row.metadata) for row in rows] == [(n, None, {}, {}) for n in "abc"]


def test_what_nobody_has_declared_is_not_taken_over() -> None:
    assert adopting.rows(STACK, [], Adopted(resources={"a": ENTRY})) == []


def test_a_nested_stack_is_handed_on_whole() -> None:
    inner = {"name": "inner", "id": "5f0c", "template": "t", "resources": {"a": ENTRY}}
    (row,) = adopting.rows(STACK, [wanted("box")], Adopted(resources={"box": inner}))

    assert (row.physical_id, row.data, row.metadata) == (None, {"adopted": inner}, {})
