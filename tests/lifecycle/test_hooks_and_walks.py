"""Breakpoints where walks meet: a tree of stacks, a rollback, an engine that comes after another."""

from __future__ import annotations

import pytest

from kit.bench import CREATE
from kit.breakpoints import let_go, stand, stopped, stops
from kit.engine_room import ME, EngineRoom, Resources, hot

INNER = {"inner.yaml": hot({"deep": {"value": {"get_param": "n"}}}, parameters={"n": {"type": "string"}})}


def outer(n: str, others: Resources | None = None) -> str:
    return hot({"box": {"_type": "inner.yaml", "n": n}, **(others or {})})


@pytest.mark.parametrize("converge", [True, False])
def test_a_nested_stack_stops_once_behind_its_update(room: EngineRoom, converge: bool) -> None:
    environment = stops("box", ["post-update"])
    identity = room.create("s", outer("1"), files=INNER, environment=environment)
    room.wait(identity)
    room.update(identity, outer("2"), files=INNER, environment=environment, converge=converge)
    let_go(room, stand(room, identity.stack_id, "box", "post-update"))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert stopped(room) == ["box"]


def test_what_is_nested_waits_for_nobody_while_an_update_is_rolled_back(room: EngineRoom) -> None:
    environment = stops("box/deep", ["pre-update"])
    identity = room.create("s", outer("1"), files=INNER, environment=environment, disable_rollback=False)
    room.wait(identity)
    inner = str(room.row(identity, "box").nested_stack_id)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, outer("2", {"bad": {"_depends_on": "box"}}), files=INNER, environment=environment)
    let_go(room, stand(room, inner, "deep", "pre-update"))

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert stopped(room) == ["deep"], "only on the way forth"
    assert [row.properties["value"] for row in room.rows(inner)] == ["1"]


def test_what_is_nested_waits_for_nobody_while_a_create_is_rolled_back(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "bad"))
    template = outer("1", {"bad": {"_depends_on": "box"}})
    environment = stops("box/deep", ["pre-delete", "post-delete"])
    identity = room.create("s", template, files=INNER, environment=environment, disable_rollback=False)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert stopped(room) == []
    assert room.bench.built == {}


def test_what_is_nested_stops_while_the_whole_tree_is_deleted(room: EngineRoom) -> None:
    environment = stops("box/deep", ["pre-delete"])
    identity = room.create("s", outer("1"), files=INNER, environment=environment)
    room.wait(identity)
    inner = str(room.row(identity, "box").nested_stack_id)
    room.delete(identity)
    let_go(room, stand(room, inner, "deep", "pre-delete"))

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"


def test_what_is_replaced_stops_once_before_its_update_though_another_engine_walks_on(room: EngineRoom) -> None:
    environment = stops("a", ["pre-update"])
    identity = room.create("s", hot({"a": {"fixed": "1"}}), environment=environment)
    room.wait(identity)
    room.bench.waits.add((CREATE, "b"))
    room.update(identity, hot({"a": {"fixed": "2"}, "b": {"_depends_on": "a"}}), environment=environment)
    let_go(room, stand(room, identity.stack_id, "a", "pre-update"))
    room.bench.until_called(CREATE, "b", times=2)
    room.restart()
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert stopped(room) == ["a"]
    assert room.row(identity, "a").properties["fixed"] == "2"


def test_what_a_cancelled_create_left_under_way_stops_nowhere(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}), environment=stops("a", ["post-create"]))
    room.bench.until_called(CREATE, "a", times=2)
    room.actions.cancel_update(ME, identity, rollback=False)
    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")
    room.machinery.leave(room.stack(identity.stack_id).id)  # returns once what was in flight has been recorded

    assert stopped(room) == []
    assert room.row(identity, "a").hook is None
