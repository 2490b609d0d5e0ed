"""Stacks around resources that exist already, as a caller asks for them: what is stored before the walk begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.ids import StackIdentity
from engine.model.records import ResourceRecord
from engine.store import resources, templates
from engine.usecases.commands import CreateStack, Given, Options
from engine.usecases.limits import Limits
from engine.usecases.stacks import ListStacks
from kit.bench import Bench
from kit.engine_room import ME, EngineRoom, hot

TEMPLATE = hot(
    {"a": {"value": {"get_param": "v"}}, "b": {"_metadata": {"from": "template"}, "_deletion_policy": "Retain"}},
    parameters={"v": {"type": "string", "default": "default"}},
    description="adopted",
)
ENTRY = {"resource_id": "a-1", "resource_data": {"value": "x", "key": "s3cret"}, "metadata": {"from": "data"}}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    """Return a room in which nothing is walked, so that what is stored is seen."""
    room = EngineRoom(tmp_path, limits=Limits(enable_stack_adopt=True, max_resources_per_stack=2), bench=Bench())
    yield room
    room.stop()


def command(data: Any, given: Given | None = None, **changes: Any) -> CreateStack:
    text = data if isinstance(data, str) else json.dumps(data)
    return CreateStack("s", given or Given(TEMPLATE), adopt_stack_data=text, **changes)


def rows(room: EngineRoom, identity: StackIdentity) -> dict[str, ResourceRecord]:
    return {row.name: row for row in room.rows(identity.stack_id)}


def refused(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


def environment(room: EngineRoom, identity: StackIdentity) -> Any:
    with room.db.read() as tx:
        return templates.load(tx, room.stack(identity.stack_id).definition_id).environment


def test_the_stack_begins_to_adopt_with_a_row_for_each_declared_resource(room: EngineRoom) -> None:
    identity = room.stacks.create(ME, command({"resources": {"a": ENTRY, "undeclared": ENTRY}}))

    stack = room.stack(identity.stack_id)
    assert (str(stack.state), stack.reason) == ("ADOPT_IN_PROGRESS", "Stack ADOPT started")
    assert stack.description == "adopted"
    found = rows(room, identity)
    assert {str(row.state) for row in found.values()} == {"INIT_COMPLETE"}
    a, b = found["a"], found["b"]
    assert (a.type, a.implementation, a.deletion_policy) == ("Test::Thing", "Test::Thing", "Delete")
    assert (a.physical_id, a.data, a.metadata) == ("a-1", {"value": "x", "key": "s3cret"}, {"from": "data"})
    assert (b.physical_id, b.data, b.metadata, b.deletion_policy) == (None, {}, {}, "Retain")
    assert {row.created_time for row in found.values()} == {stack.created_time}
    assert room.history(identity) == ["s ADOPT_IN_PROGRESS"]


def test_parameters_of_the_data_are_the_base_and_those_of_the_caller_win(room: EngineRoom) -> None:
    data = {"environment": {"parameters": {"v": "data"}, "parameter_defaults": {"v": "low"}}}
    kept = room.stacks.create(ME, command(data))
    won = room.stacks.create(ME, replace(command(data, Given(TEMPLATE, parameters={"v": "mine"})), name="t"))

    assert environment(room, kept)["parameters"] == {"v": "data"}
    assert environment(room, won) == {"parameters": {"v": "mine"}, "parameter_defaults": {"v": "low"}}


def test_everything_may_come_from_the_data(room: EngineRoom) -> None:
    data = {
        "template": hot({"box": {"_type": "My::Box"}}),
        "files": {"box.yaml": hot({"x": {}})},
        "environment": {"resource_registry": {"My::Box": "box.yaml"}},
        "resources": {"box": {"resources": {"x": ENTRY}}},
    }
    identity = room.stacks.create(ME, command(data, Given()))

    row = rows(room, identity)["box"]
    assert (row.type, row.implementation) == ("My::Box", "Isotherm::Template")
    assert (row.physical_id, row.data) == (None, {"adopted": {"resources": {"x": ENTRY}}})


def test_parameters_that_the_template_of_the_caller_does_not_have_are_dropped(room: EngineRoom) -> None:
    data = {"environment": {"parameters": {"v": "data", "gone": "x"}}}
    identity = room.stacks.create(ME, command(data))

    assert environment(room, identity)["parameters"] == {"v": "data"}


def test_options_and_tags_are_those_of_the_caller(room: EngineRoom) -> None:
    options = Options(timeout_mins=3, disable_rollback=False, tags=("new",))
    identity = room.stacks.create(ME, command({"tags": ["old"]}, options=options))

    stack = room.stack(identity.stack_id)
    assert (stack.timeout_mins, stack.disable_rollback, stack.tags) == (3, False, ("new",))


@pytest.mark.parametrize(
    ("data", "given", "code"),
    [
        pytest.param("{resources: []}", Given(TEMPLATE), Code.INVALID_ARGUMENT, id="no data"),
        pytest.param("{}", Given(), Code.INVALID_ARGUMENT, id="no template anywhere"),
        pytest.param({"template": "nonsense: 1"}, Given(), Code.INVALID_TEMPLATE_VERSION, id="no template in the data"),
        pytest.param({"template": TEMPLATE}, Given(environment="x: 1"), Code.INVALID_ENVIRONMENT, id="environment"),
        pytest.param({}, Given(hot({"a": {}, "b": {}, "c": {}})), Code.REQUEST_LIMIT_EXCEEDED, id="too many resources"),
    ],
)
def test_what_can_not_be_adopted_is_refused_and_nothing_is_stored(
    room: EngineRoom, data: Any, given: Given, code: Code
) -> None:
    assert refused(lambda: room.stacks.create(ME, command(data, given))).code is code
    assert room.stacks.count(ME, ListStacks()) == 0


def test_a_parameter_of_the_data_that_nobody_declared_is_told(room: EngineRoom) -> None:
    data = {"template": TEMPLATE, "environment": {"parameters": {"gone": 1}}}
    error = refused(lambda: room.stacks.create(ME, command(data, Given())))

    assert isinstance(error, TemplateInvalid)
    assert error.code is Code.PARAMETER_UNKNOWN


def test_a_repeated_adopt_makes_one_stack(room: EngineRoom) -> None:
    asked = command({"resources": {"a": ENTRY}}, request_id="one")
    first = room.stacks.create(ME, asked)

    assert room.stacks.create(ME, asked) == first
    other = refused(lambda: room.stacks.create(ME, replace(asked, adopt_stack_data="{}")))
    assert other.code is Code.REQUEST_ID_REUSED
    with room.db.read() as tx:
        assert resources.count_in_tree(tx, room.stack(first.stack_id).id) == 2


def test_a_preview_of_an_adopt_shows_the_resources_and_stores_nothing(room: EngineRoom) -> None:
    view = room.stacks.preview(ME, command({"template": TEMPLATE, "resources": {"a": ENTRY}}, Given()))

    assert [one.record.name for one in view.resources] == ["a", "b"]
    assert room.stacks.count(ME, ListStacks()) == 0


def test_without_the_switch_nothing_is_adopted_and_the_data_are_not_looked_at(tmp_path: Path) -> None:
    room = EngineRoom(tmp_path)
    for call in (room.stacks.create, room.stacks.preview):
        error = refused(lambda call=call: call(ME, command("{nonsense")))
        assert (error.code, error.fields["feature"]) == (Code.FEATURE_DISABLED, "Stack Adopt")
    room.stop()
