"""Custom constraints: asked when a value comes and on the walk, of the project's own cloud, and never again later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.model.errors import TemplateInvalid
from engine.model.states import Action, Status
from engine.runtime.declared import Outside
from kit.engine_room import EngineRoom, hot
from kit.fake_lookups import FakeLookups

FLAVOR = {"flavor": {"type": "string", "constraints": [{"custom_constraint": "nova.flavor"}]}}
TEMPLATE = hot({"thing": {"value": {"get_param": "flavor"}}}, parameters=FLAVOR)


@pytest.fixture
def cloud() -> FakeLookups:
    return FakeLookups({"nova.flavor": {"m1.small"}})


@pytest.fixture
def room(tmp_path: Path, cloud: FakeLookups) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, outside=Outside(lookups_for=lambda _: cloud)) as room:
        yield room


def test_what_the_cloud_has_passes_and_is_not_asked_for_again_by_those_who_look(
    room: EngineRoom, cloud: FakeLookups
) -> None:
    identity = room.create("s", TEMPLATE, parameters={"flavor": "m1.small"})
    assert room.wait(identity).state == (Action.CREATE, Status.COMPLETE)
    asked = cloud.asked["nova.flavor"]

    cloud.reason = "the cloud is away"
    room.restart()
    assert room.stack(identity.stack_id).status is Status.COMPLETE
    room.delete(identity)

    assert room.wait(identity).state == (Action.DELETE, Status.COMPLETE)
    assert cloud.asked["nova.flavor"] == asked > 0


def test_what_the_cloud_lacks_is_refused_with_where_and_why(room: EngineRoom) -> None:
    with pytest.raises(TemplateInvalid, match=r"parameters\.flavor: Error validating value 'm1\.huge': "):
        room.create("s", TEMPLATE, parameters={"flavor": "m1.huge"})


def test_a_cloud_that_can_not_be_asked_is_the_reason(room: EngineRoom, cloud: FakeLookups) -> None:
    cloud.reason = "the cloud is away"

    with pytest.raises(TemplateInvalid, match="the cloud is away"):
        room.create("s", TEMPLATE, parameters={"flavor": "m1.small"})


def test_without_a_cloud_that_is_said(tmp_path: Path) -> None:
    with (
        EngineRoom(tmp_path) as room,
        pytest.raises(TemplateInvalid, match=r"connected to no cloud, so nova\.flavor can't be checked"),
    ):
        room.create("s", TEMPLATE, parameters={"flavor": "m1.small"})


def test_a_moment_is_looked_at_whenever_one_is_given(tmp_path: Path) -> None:
    until = {"until": {"type": "string", "constraints": [{"custom_constraint": "expiration"}]}}
    template = hot({"thing": {"value": {"get_param": "until"}}}, parameters=until)
    with EngineRoom(tmp_path) as room:
        identity = room.create("s", template, parameters={"until": "2999-01-01T00:00:00Z"})
        assert room.wait(identity).status is Status.COMPLETE

        with pytest.raises(TemplateInvalid, match="until"):
            room.update(identity, template, parameters={"until": "2001-01-01T00:00:00Z"})
