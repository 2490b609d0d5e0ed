from __future__ import annotations

from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.states import Action, Status
from engine.plan import reasons
from engine.plugin import Done, NestedRequest, Replace, ResourceFailed
from engine.resources.heat.nested_stack import TemplateResource
from kit.nested_stacks import FakeStacks
from kit.plugin_host import Interrupted, PluginHost

INNER_CAUSE = "Resource CREATE failed: ResourceFailed: resources.db: Test Resource failed db"


@pytest.fixture
def stacks() -> FakeStacks:
    return FakeStacks()


def hosted(stacks: FakeStacks, text: str = "inner") -> PluginHost:
    files = {"inner.yaml": text}
    return PluginHost(TemplateResource(), name="web", ports={"stacks": stacks}, files=files, template_file="inner.yaml")


def test_its_stack_is_given_the_template_and_the_parameters(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create(size=1, color=None)

    assert stacks.requests == {"stack-0": NestedRequest("inner", "inner.yaml", {"size": 1})}
    assert host.record.physical_id == host.record.nested_stack_id == "stack-0"


@pytest.mark.parametrize(
    ("value", "passed"),
    [
        pytest.param([], "", id="an empty list"),
        pytest.param(["a", None, 3], "a,,3", id="a list"),
        pytest.param([{"a": 1, "b": "x"}, {"a": 2}], ".member.0.a=1,.member.0.b=x,.member.1.a=2", id="a list of maps"),
        pytest.param({"a": [1]}, {"a": [1]}, id="a map"),
        pytest.param(False, False, id="a truth value"),
        pytest.param("", "", id="no text"),
    ],
)
def test_how_properties_become_parameters(stacks: FakeStacks, value: Any, passed: Any) -> None:
    hosted(stacks).create(given=value)

    assert stacks.requests["stack-0"].parameters == {"given": passed}


def test_it_is_complete_when_its_stack_is(stacks: FakeStacks) -> None:
    stacks.ends = [Status.IN_PROGRESS] * 3
    host = hosted(stacks)

    assert isinstance(host.create(), Done)
    assert host.calls == 5


def test_it_fails_when_its_stack_does_with_the_whole_path_to_the_cause(stacks: FakeStacks) -> None:
    stacks.ends, stacks.reason = [Status.FAILED], INNER_CAUSE
    host = hosted(stacks)

    with pytest.raises(ResourceFailed) as failed:
        host.create()
    shown = reasons.of_resource("web", failed.value)
    assert shown == "ResourceFailed: resources.web.resources.db: Test Resource failed db"
    assert host.record.physical_id == "stack-0"


def test_a_stack_that_failed_without_a_path_says_why_all_the_same(stacks: FakeStacks) -> None:
    stacks.ends, stacks.reason = [Status.FAILED], "Timed out"

    with pytest.raises(ResourceFailed) as failed:
        hosted(stacks).create()
    assert reasons.of_resource("web", failed.value) == "ResourceFailed: resources.web: Timed out"


def test_a_missing_file_is_named(stacks: FakeStacks) -> None:
    host = PluginHost(TemplateResource(), ports={"stacks": stacks}, template_file="gone.yaml")

    with pytest.raises(ResourceFailed, match=r"no file gone\.yaml"):
        host.create()
    assert stacks.walks == []


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_an_engine_that_dies_in_a_create_leaves_one_stack(stacks: FakeStacks, calls: int) -> None:
    stacks.ends = [Status.IN_PROGRESS] * 3
    host = hosted(stacks)
    host.calls_left = calls
    with pytest.raises(Interrupted):
        host.create()
    host.calls_left = None
    host.create()

    assert stacks.walks == ["CREATE stack-0"]


def test_an_update_walks_the_same_stack(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create(size=1)
    host.update(size=2)

    assert stacks.walks == ["CREATE stack-0", "UPDATE stack-0"]
    assert stacks.requests["stack-0"].parameters == {"size": 2}


def test_each_update_is_a_walk_of_its_own(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create(size=1)
    host.update(size=2)
    host.update(size=1)

    assert stacks.walks == ["CREATE stack-0", "UPDATE stack-0", "UPDATE stack-0"]


def test_one_that_failed_is_updated_in_place(stacks: FakeStacks) -> None:
    stacks.ends = [Status.FAILED]
    host = hosted(stacks)
    with pytest.raises(ResourceFailed):
        host.create()

    assert TemplateResource.keeps_failed
    assert isinstance(host.update(), Done)
    assert stacks.walks == ["CREATE stack-0", "UPDATE stack-0"]


def test_an_update_of_one_that_was_never_created_creates_it(stacks: FakeStacks) -> None:
    host = hosted(stacks)

    assert isinstance(host.update(size=1), Done)
    assert stacks.walks == ["CREATE stack-0"]


def test_an_update_of_one_that_is_gone_asks_for_a_new_one(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create()
    stacks.stacks.clear()

    assert isinstance(host.update(size=1), Replace)


def test_a_stack_that_is_taken_away_while_it_is_waited_for_is_a_failure(stacks: FakeStacks) -> None:
    stacks.ends = [Status.IN_PROGRESS]
    host = hosted(stacks)
    ctx = host.begin(Action.CREATE, {})
    host.remember(host.type.create(ctx))
    stacks.delete("stack-0")

    with pytest.raises(ResourceFailed, match="deleted meanwhile"):
        host.create()


def test_a_delete_waits_until_its_stack_is_gone(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create()
    stacks.ends = [Status.IN_PROGRESS] * 3

    assert isinstance(host.delete(), Done)
    assert host.calls == 5
    assert stacks.stacks == {}


def test_a_delete_fails_when_its_stack_cannot_be_deleted(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create()
    stacks.ends, stacks.reason = [Status.FAILED], "Resource DELETE failed: Conflict: resources.db: in use"

    with pytest.raises(ResourceFailed) as failed:
        host.delete()
    assert reasons.of_resource("web", failed.value) == "Conflict: resources.web.resources.db: in use"


def test_a_stack_whose_create_was_interrupted_is_found_and_deleted(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.type.create(host.begin(Action.CREATE, {}))  # the engine died before it could write this down

    assert isinstance(host.delete(), Done)
    assert stacks.walks == ["CREATE stack-0", "DELETE stack-0"]


@pytest.mark.parametrize(
    ("outputs", "reference"),
    [
        pytest.param({}, "arn:stack-0", id="the ARN unless told"),
        pytest.param({"OS::stack_id": "srv-1"}, "srv-1", id="what the template says"),
        pytest.param({"OS::stack_id": None}, "arn:stack-0", id="the template says nothing"),
    ],
)
def test_what_refers_to_it_gets(stacks: FakeStacks, outputs: dict[str, Any], reference: str) -> None:
    stacks.outputs = outputs
    host = hosted(stacks)
    host.create()

    assert host.record.reference_id == reference


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        pytest.param("address", (), {"v4": ["10.0.0.1"]}, id="an output"),
        pytest.param("address", ("v4", 0), "10.0.0.1", id="a part of an output"),
        pytest.param("address", ("v6",), None, id="a part that is not there"),
        pytest.param("resource.db", (), ["stack-0", "db"], id="a resource inside"),
        pytest.param("resource.db", ("value", 0), ["stack-0", "db", "value", 0], id="its attribute by path"),
        pytest.param("resource.db.value", (), ["stack-0", "db", "value"], id="its attribute by name"),
        pytest.param("resource.db.value", (0,), ["stack-0", "db", "value", 0], id="a part of its attribute"),
    ],
)
def test_what_can_be_read_of_it(stacks: FakeStacks, name: str, path: tuple[str | int, ...], value: Any) -> None:
    stacks.outputs = {"address": {"v4": ["10.0.0.1"]}}
    host = hosted(stacks)
    host.create()

    assert host.attribute(name, *path) == value


def test_nothing_can_be_read_before_it_is_built(stacks: FakeStacks) -> None:
    assert hosted(stacks).attribute("address") is None


def test_an_output_that_the_template_lacks_is_named(stacks: FakeStacks) -> None:
    host = hosted(stacks)
    host.create()

    with pytest.raises(EngineError, match="template of web has no output address") as refused:
        host.attribute("address")
    assert refused.value.code is Code.INVALID_TEMPLATE_ATTRIBUTE
