"""What is really there is looked at before an update, if a caller asks for it (engine.md §3.5)."""

from __future__ import annotations

from typing import Any, Never

import pytest

from engine.model.ids import StackIdentity
from engine.plugin import Observed
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import EngineRoom, hot

TEMPLATE = hot({"it": {"value": "declared", "fixed": "f"}, "user": {"value": {"get_resource": "it"}}})


@pytest.fixture
def identity(room: EngineRoom) -> StackIdentity:
    """Return a stack as its template says; no call counts yet."""
    identity = room.create("s", TEMPLATE)
    room.wait(identity)
    room.bench.calls.clear()
    return identity


class Unreachable(dict[str, Any]):
    """A provider that can't be asked."""

    def get(self, *_: object) -> Never:
        raise OSError("no route to the provider")


def test_what_somebody_changed_is_changed_back(room: EngineRoom, identity: StackIdentity) -> None:
    before = room.row(identity, "it").id
    room.bench.really = {"it": Observed(properties={"value": "drifted"})}
    room.update(identity, TEMPLATE, converge=True)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == [(UPDATE, "it")]
    assert (room.row(identity, "it").id, room.row(identity, "it").properties["value"]) == (before, "declared")


def test_what_is_as_declared_or_can_not_be_seen_stays(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.really = {"it": Observed(properties={"value": "declared"})}
    room.update(identity, TEMPLATE, converge=True)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == []


def test_nobody_looks_unless_asked_to(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.really = {"it": Observed(is_gone=True)}
    room.update(identity, TEMPLATE)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == []


def test_what_is_gone_is_built_anew_and_what_uses_it_follows(room: EngineRoom, identity: StackIdentity) -> None:
    before = room.row(identity, "it").id
    room.bench.really = {"it": Observed(is_gone=True)}
    room.update(identity, TEMPLATE, converge=True)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    after = room.row(identity, "it")
    assert after.id != before
    assert room.bench.calls == [(CREATE, "it"), (UPDATE, "user"), (DELETE, "it")]
    assert room.row(identity, "user").properties["value"] == after.physical_id


def test_a_look_that_fails_changes_nothing(room: EngineRoom, identity: StackIdentity) -> None:
    room.bench.really = Unreachable()
    room.update(identity, TEMPLATE, converge=True)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == []


def test_a_difference_that_could_not_be_changed_back_in_place_replaces_nothing(
    room: EngineRoom, identity: StackIdentity
) -> None:
    room.bench.really = {"it": Observed(properties={"fixed": "drifted", "forever": "drifted"})}
    room.update(identity, TEMPLATE, converge=True)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == []


def test_who_asks_for_it_has_what_is_nested_looked_at_too(room: EngineRoom) -> None:
    template, files = hot({"box": {"_type": "box.yaml"}}), {"box.yaml": hot({"leaf": {"value": "declared"}})}
    identity = room.create("s", template, files=files)
    room.wait(identity)
    room.bench.really = {"leaf": Observed(properties={"value": "drifted"})}
    room.update(identity, template, files=files)
    room.wait(identity)
    unasked = list(room.bench.calls)
    room.update(identity, template, files=files, converge=True)

    assert unasked == [(CREATE, "leaf")]
    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.bench.calls == [(CREATE, "leaf"), (UPDATE, "leaf")]
    assert str(room.row(identity, "box").state) == "UPDATE_COMPLETE"
