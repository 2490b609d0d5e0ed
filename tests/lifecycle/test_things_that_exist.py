"""external_id: a resource that stands for a thing which somebody else has built (templates.md §11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import TemplateInvalid
from engine.model.states import Action, Status
from kit.bench import Bench
from kit.engine_room import EngineRoom, hot


def adopting(external_id: Any = "old-1", **others: Mapping[str, Any]) -> str:
    return hot(
        {"there": {"_external_id": external_id}, **others},
        outputs={"id": {"value": {"get_resource": "there"}}, "seen": {"value": {"get_attr": ["there", "value"]}}},
    )


def test_a_thing_that_exists_is_looked_at_and_never_built_nor_taken_away(room: EngineRoom) -> None:
    room.bench.outside.add("old-1")

    identity = room.create("s", adopting(user={"value": {"get_resource": "there"}}))

    assert room.wait(identity).state == (Action.CREATE, Status.COMPLETE)
    assert room.outputs(identity) == {"id": "old-1", "seen": "found"}
    assert room.row(identity, "user").properties["value"] == "old-1"
    assert room.bench.count(Action.CREATE, "there") == 0

    room.delete(identity)
    assert room.wait(identity).state == (Action.DELETE, Status.COMPLETE)
    assert room.bench.count(Action.DELETE, "there") == 0


def test_properties_are_not_asked_for_of_what_is_not_built(room: EngineRoom) -> None:
    """Nor is the type asked what is wrong between them: it may rely on its defaults."""
    identity = room.create("s", hot({"there": {"_type": "OS::Heat::RandomString", "_external_id": "old-1"}}))

    assert room.wait(identity).state == (Action.CREATE, Status.COMPLETE)
    assert room.row(identity, "there").physical_id == "old-1"


def test_a_thing_that_is_not_there_fails_the_resource_and_says_so(room: EngineRoom) -> None:
    identity = room.create("s", adopting("nobody"))

    stack = room.wait(identity)

    assert stack.state == (Action.CREATE, Status.FAILED)
    assert "there is no thing nobody" in stack.reason


def test_its_id_may_come_from_a_parameter_and_stays_the_same(room: EngineRoom) -> None:
    room.bench.outside |= {"old-1", "old-2"}
    template = adopting({"get_param": "which"}).replace(
        "resources:", 'parameters: {"which": {"type": "string"}}\nresources:'
    )
    identity = room.create("s", template, parameters={"which": "old-1"})
    assert room.wait(identity).status is Status.COMPLETE

    room.update(identity, template, parameters={"which": "old-1"})
    assert room.wait(identity).status is Status.COMPLETE

    room.update(identity, template, parameters={"which": "old-2"})
    stack = room.wait(identity)
    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert "external_id of there (Test::Thing) is not supported" in stack.reason
    assert room.row(identity, "there").physical_id == "old-1"


def test_what_was_built_does_not_become_external_and_stays(room: EngineRoom) -> None:
    room.bench.outside.add("old-1")
    identity = room.create("s", hot({"there": {}}))
    room.wait(identity)

    room.update(identity, adopting())

    assert room.wait(identity).state == (Action.UPDATE, Status.FAILED)
    assert list(room.bench.built.values()) == ["there"]


def test_what_is_external_does_not_become_something_to_be_built(room: EngineRoom) -> None:
    room.bench.outside.add("old-1")
    identity = room.create("s", adopting())
    room.wait(identity)
    before = room.row(identity, "there")

    room.update(identity, hot({"there": {}}))

    stack = room.wait(identity)
    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert "Update to properties external_id of there (Test::Thing) is not supported" in stack.reason
    assert (room.row(identity, "there").physical_id, room.row(identity, "there").state) == ("old-1", before.state)
    assert room.bench.built == {}


def test_it_waits_for_nothing_and_may_not_be_told_to(room: EngineRoom) -> None:
    with pytest.raises(TemplateInvalid, match=r"resources\.there\.depends_on: .*can't wait for others"):
        room.create("s", hot({"there": {"_external_id": "x", "_depends_on": "other"}, "other": {}}))

    room.bench.outside.add("old-1")
    identity = room.create(
        "s", hot({"there": {"_external_id": "old-1", "value": {"get_resource": "other"}}, "other": {}})
    )
    room.wait(identity)
    assert room.row(identity, "there").requires == frozenset()


def test_a_look_that_was_cut_short_is_taken_again_and_builds_nothing(tmp_path: Path) -> None:
    bench = Bench()
    bench.outside.add("old-1")
    with EngineRoom(tmp_path, bench=bench) as room:
        identity = room.create("s", adopting(slow={}))
        room.wait(identity)
        room.restart()
        assert room.stack(identity.stack_id).state == (Action.CREATE, Status.COMPLETE)
    assert (Action.CREATE, "there") not in bench.calls
