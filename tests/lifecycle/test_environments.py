"""What an environment forbids, what an operator's environment maps, and what may never change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.states import Action, Status
from engine.runtime.declared import Outside
from engine.usecases.stacks import ListStacks
from kit.engine_room import ME, EngineRoom, hot


def environment(**about: Any) -> str:
    return json.dumps({"resource_registry": {"resources": {"th*": about}}})


@pytest.mark.parametrize(
    ("forbidden", "changed", "told"),
    [
        pytest.param("update", {"value": "2"}, "update", id="in place"),
        pytest.param(["replace"], {"fixed": "2"}, "replace", id="by a new one"),
        pytest.param("replace", {"_type": "OS::Heat::None"}, "replace", id="by one of another type"),
        pytest.param(["update", "replace"], {"value": "2"}, "update", id="at all"),
    ],
)
def test_what_the_environment_forbids_fails_the_update_and_changes_nothing(
    forbidden: Any, changed: dict[str, str], told: str, room: EngineRoom
) -> None:
    locked = environment(restricted_actions=forbidden)
    identity = room.create("s", hot({"thing": {}}), environment=locked)
    room.wait(identity)
    before = room.row(identity, "thing")

    room.update(identity, hot({"thing": changed}), environment=locked)

    stack, reason = (
        room.wait(identity),
        f"ResourceActionRestricted: resources.thing: {told} is restricted for resource.",
    )
    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert stack.reason == f"Resource UPDATE failed: {reason}"
    assert room.news.event("thing", "UPDATE_FAILED").reason == reason
    after = room.row(identity, "thing")
    assert replace(after, version=before.version) == before
    assert room.bench.calls == [(Action.CREATE, "thing")]


@pytest.mark.parametrize(
    ("forbidden", "changed"),
    [
        pytest.param("replace", {"value": "2"}, id="in place"),
        pytest.param("update", {"fixed": "2"}, id="by a new one"),
        pytest.param(["update", "replace"], {}, id="nothing"),
    ],
)
def test_what_is_not_forbidden_goes_on(forbidden: Any, changed: dict[str, str], room: EngineRoom) -> None:
    locked = environment(restricted_actions=forbidden)
    identity = room.create("s", hot({"thing": {}}), environment=locked)
    room.wait(identity)

    room.update(identity, hot({"thing": changed}), environment=locked)

    assert room.wait(identity).state == (Action.UPDATE, Status.COMPLETE)
    assert {**room.row(identity, "thing").properties, **changed} == room.row(identity, "thing").properties
    assert room.bench.built == {room.row(identity, "thing").id: "thing"}


def test_what_was_forbidden_goes_on_once_the_environment_of_an_update_forbids_it_no_more(room: EngineRoom) -> None:
    locked = environment(restricted_actions="update")
    identity = room.create("s", hot({"thing": {}}), environment=locked)
    room.wait(identity)

    room.update(identity, hot({"thing": {"value": "2"}}))

    assert room.wait(identity).state == (Action.UPDATE, Status.COMPLETE)


def test_what_is_forbidden_deep_inside_is_told_with_its_path(room: EngineRoom) -> None:
    locked = json.dumps({"resource_registry": {"resources": {"box": {"le*": {"restricted_actions": "update"}}}}})
    template = hot({"box": {"_type": "in.yaml"}})
    identity = room.create("s", template, files={"in.yaml": SMALL}, environment=locked)
    room.wait(identity)

    room.update(identity, template, files={"in.yaml": LARGE}, environment=locked)

    stack = room.wait(identity)
    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert stack.reason == (
        "Resource UPDATE failed: "
        "ResourceActionRestricted: resources.box.resources.leaf: update is restricted for resource."
    )
    (leaf,) = room.rows(str(room.row(identity, "box").nested_stack_id))
    assert (str(leaf.state), leaf.properties["value"]) == ("CREATE_COMPLETE", "small")


def test_a_replacement_that_only_the_type_wants_is_forbidden_too(room: EngineRoom) -> None:
    locked = environment(restricted_actions="replace")
    identity = room.create("s", hot({"thing": {}}), environment=locked)
    room.wait(identity)
    room.bench.replaces.add("thing")

    room.update(identity, hot({"thing": {"value": "2"}}), environment=locked)

    stack = room.wait(identity)
    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert "resources.thing: replace is restricted for resource." in stack.reason
    assert list(room.bench.creations.values()) == [1]


def test_a_restriction_does_not_keep_what_was_never_built_from_being_built(room: EngineRoom) -> None:
    locked, files = environment(restricted_actions=["update", "replace"]), {"in.yaml": SMALL}
    room.bench.fails.add((Action.CREATE, "leaf"))
    identity = room.create("s", hot({"thing": {"_type": "in.yaml"}}), files=files, environment=locked)
    assert room.wait(identity).status is Status.FAILED
    room.bench.fails.clear()

    room.update(identity, hot({"thing": {"_type": "in.yaml"}}), files=files, environment=locked)

    assert room.wait(identity).state == (Action.UPDATE, Status.COMPLETE)


def test_an_immutable_parameter_may_be_given_again_and_not_changed(room: EngineRoom) -> None:
    template = hot({"thing": {"value": {"get_param": "n"}}}, parameters={"n": {"type": "number", "immutable": True}})
    identity = room.create("s", template, parameters={"n": "5"})
    room.wait(identity)

    room.update(identity, template, parameters={"n": 5})
    assert room.wait(identity).state == (Action.UPDATE, Status.COMPLETE)

    with pytest.raises(EngineError, match="immutable and may not be updated: n") as caught:
        room.update(identity, template, parameters={"n": 6})
    assert caught.value.code is Code.IMMUTABLE_PARAMETER_MODIFIED


SMALL = hot({"leaf": {"value": "small"}})
LARGE = hot({"leaf": {"value": "large"}})


def mapping(template: str) -> Outside:
    return Outside(operator={"My::Box": "file:///etc/box.yaml"}, files={"file:///etc/box.yaml": template})


def test_what_an_operator_maps_holds_for_a_stack_until_it_is_updated(tmp_path: Path) -> None:
    template = hot({"box": {"_type": "My::Box"}})
    with EngineRoom(tmp_path, outside=mapping(SMALL)) as room:
        identity = room.create("s", template)
        assert room.wait(identity).state == (Action.CREATE, Status.COMPLETE)

    with EngineRoom(tmp_path, outside=mapping(LARGE), bench=room.bench) as later:
        nested = later.row(identity, "box").nested_stack_id
        assert nested is not None
        view, _ = later.stacks.show(ME, identity, page=ListStacks())
        assert view[0].stack.status is Status.COMPLETE
        assert [row.properties["value"] for row in later.rows(nested)] == ["small"]

        later.update(identity, template)
        assert later.wait(identity).state == (Action.UPDATE, Status.COMPLETE)
        assert [row.properties["value"] for row in later.rows(nested)] == ["large"]


def test_what_an_operator_maps_no_more_does_not_break_a_stack(tmp_path: Path) -> None:
    with EngineRoom(tmp_path, outside=mapping(SMALL)) as room:
        identity = room.create("s", hot({"box": {"_type": "My::Box"}}))
        room.wait(identity)

    with EngineRoom(tmp_path, bench=room.bench) as later:
        later.delete(identity)
        assert later.wait(identity).state == (Action.DELETE, Status.COMPLETE)
