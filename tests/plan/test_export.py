"""A stack as data, and such data read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, EngineError
from engine.model.ids import StackId
from engine.model.states import Action, Status
from engine.plan import export
from engine.plan.export import Adopted
from engine.template.source import Limits
from kit import stored

ENVIRONMENT = {"parameters": {"size": 3, "secret": "sesame"}, "resource_registry": {"My::Type": "box.yaml"}}
DEFINITION = stored.definition(template="a: b", files={"box.yaml": "c: d"}, environment=ENVIRONMENT)
STACK = stored.stack(
    action=Action.UPDATE, status=Status.FAILED, tags=("blue",), user_project_id="users", definition_id=DEFINITION.id
)
Write = Callable[[Any], str]


def built(name: str, **changes: Any) -> stored.ResourceRecord:
    return stored.resource(STACK, name, **{"status": Status.COMPLETE, "physical_id": f"{name}-1", **changes})


def refused(text: str, limits: Limits = export.ADOPT_LIMITS) -> EngineError:
    with pytest.raises(EngineError) as caught:
        export.adopted(text, limits)
    return caught.value


def test_a_payload_tells_all_of_a_stack_and_nothing_else() -> None:
    row = built("it", data={"key": "s3cret"}, metadata={"role": "db"}, properties={"value": "x"})
    payload = export.payload(STACK, DEFINITION, [row], {})

    assert payload == {
        "name": STACK.name,
        "id": STACK.id,
        "action": "UPDATE",
        "status": "FAILED",
        "environment": {
            "parameters": {"size": 3, "secret": "sesame"},
            "parameter_defaults": {},
            "resource_registry": {"My::Type": "box.yaml"},
            "encrypted_param_names": [],
            "event_sinks": [],
        },
        "files": {"box.yaml": "c: d"},
        "template": "a: b",
        "resources": {
            "it": {
                "name": "it",
                "resource_id": "it-1",
                "type": "OS::Heat::Value",
                "action": "CREATE",
                "status": "COMPLETE",
                "metadata": {"role": "db"},
                "resource_data": {"key": "s3cret"},
            }
        },
        "project_id": "p",
        "stack_user_project_id": "users",
        "tags": ["blue"],
    }
    assert json.loads(json.dumps(payload)) == payload


def test_of_a_name_the_row_is_told_that_stands_for_it() -> None:
    old, new = built("it", physical_id="old", created_time=stored.at(0)), built("it", created_time=stored.at(1))
    dying = built("it", physical_id="dying", action=Action.DELETE, created_time=stored.at(2))

    assert export.payload(STACK, DEFINITION, [old, new, dying], {})["resources"]["it"]["resource_id"] == "it-1"


def test_a_resource_that_is_a_stack_is_replaced_by_the_data_of_that() -> None:
    inner, gone = StackId("inner"), StackId("gone")
    rows = [built("box", nested_stack_id=inner), built("lost", nested_stack_id=gone), built("flat")]
    resources = export.payload(STACK, DEFINITION, rows, {inner: {"name": "inner", "resources": {}}})["resources"]

    assert resources["box"] == {"name": "inner", "resources": {}}
    assert resources["lost"] == {}
    assert resources["flat"]["name"] == "flat"


JSON: Write = json.dumps
YAML: Write = yaml.safe_dump


@pytest.mark.parametrize("write", [pytest.param(JSON, id="JSON"), pytest.param(YAML, id="YAML")])
def test_what_was_exported_can_be_adopted(write: Write) -> None:
    payload = export.payload(STACK, DEFINITION, [built("it", data={"n": 2**60, "ß": [None, {}]})], {})

    adopted = export.adopted(write(payload))

    assert (adopted.template, adopted.files) == ("a: b", {"box.yaml": "c: d"})
    assert adopted.environment == ENVIRONMENT
    assert adopted.resources == payload["resources"]


def test_a_template_may_be_a_map_as_heat_writes_it() -> None:
    template = {"heat_template_version": "2013-05-23", "resources": {"a": {"type": "OS::Heat::None"}}}

    assert json.loads(export.adopted(json.dumps({"template": template})).template) == template


def test_a_dump_of_heat_can_be_adopted() -> None:
    dump = {
        "name": "old",
        "id": "5f0c6a3e",
        "action": "CREATE",
        "status": "COMPLETE",
        "environment": {
            "parameters": {"a": "1"},
            "parameter_defaults": {},
            "resource_registry": {"resources": {}},
            "encrypted_param_names": [],
            "event_sinks": [],
        },
        "files": {},
        "template": {"heat_template_version": "2013-05-23"},
        "resources": {"a": {"resource_id": "1", "resource_data": {"key": "v"}, "metadata": {}}, "box": {}},
        "project_id": "p",
        "stack_user_project_id": None,
        "tags": None,
    }
    adopted = export.adopted(json.dumps(dump))

    assert adopted.environment == {"parameters": {"a": "1"}, "resource_registry": {"resources": {}}}
    assert set(adopted.resources) == {"a", "box"}


@pytest.mark.parametrize("text", ["{}", "", '{"environment": {}, "resources": null}', "environment: {parameters: {}}"])
def test_what_is_missing_is_empty(text: str) -> None:
    assert export.adopted(text) == Adopted(environment={"parameters": {}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[1]", "the text is a list; it has to be a map of sections", id="a list"),
        pytest.param("just words", "the text is a string", id="a string"),
        pytest.param('{"a": ', "line 1: ", id="half of it"),
        pytest.param("a: [", "line ", id="half of it in YAML"),
        pytest.param('{"a": "\\ud800"}', "half a surrogate pair", id="half a character"),
        pytest.param(
            '{"resource": {}}', "resource: there is no such key in exported data; did you mean resources", id="key"
        ),
        pytest.param("resources: 5", "line 1: resources: this is a number; it is a map", id="resources"),
        pytest.param("resources: {a: []}", "line 1: resources.a: this is a list; a resource is a map", id="an entry"),
        pytest.param("resources: {1: {}}", "resources.1: this is a number; a name is a text", id="a name"),
        pytest.param(
            "resources:\n  a: {resource_id: 5}",
            "line 2: resources.a.resource_id: this is a number; an id is a text; a number needs quotes",
            id="an id",
        ),
        pytest.param('{"resources": {"a": {"resource_id": "\\u0000"}}}', "none of them is NUL", id="NUL"),
        pytest.param(f"resources: {{a: {{resource_id: {'x' * 768}}}}}", "at most 767 characters", id="a long id"),
        pytest.param("resources: {a: {physical_id: x}}", "resources.a.physical_id: there is no such key", id="no key"),
        pytest.param("resources: {a: {resource_data: x}}", "resources.a.resource_data: this is a string", id="data"),
        pytest.param("resources: {a: {metadata: []}}", "resources.a.metadata: this is a list; it is a map", id="meta"),
        pytest.param("template: 5", "template: this is a number; a template is a text or a map", id="template"),
        pytest.param("files: {f: {}}", "files.f: this is a map; a file is a text", id="a file"),
        pytest.param("environment: x", "environment: this is a string; it is a map", id="environment"),
        pytest.param(
            "environment: {parameter: {}}", 'environment.parameter: "parameter" is not a section', id="section"
        ),
        pytest.param("environment: {parameters: []}", "environment.parameters: the section has to be a map", id="list"),
        pytest.param(
            "resources: {box: {resources: {a: {resource_id: 5}}}}",
            "resources.box.resources.a.resource_id: this is a number",
            id="in a nested stack",
        ),
    ],
)
def test_what_can_not_be_adopted_is_told_with_its_place(text: str, message: str) -> None:
    error = refused(text)

    assert error.code is Code.INVALID_ARGUMENT
    assert error.message.startswith("Invalid adopt data: ")
    assert message in error.message
    assert error.fields == {"field": "adopt_stack_data"}


def test_there_may_be_more_than_one_problem() -> None:
    assert refused("{resources: 5, files: 5}").message.endswith("(and 1 more problem)")


def test_a_text_that_is_too_long_is_not_read() -> None:
    error = refused("x" * 11, Limits(max_size=10))

    assert (error.code, error.fields["limit"]) == (Code.REQUEST_LIMIT_EXCEEDED, "10")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{" + '"a":{' * 200 + "}" * 200 + "}", id="deep"),
        pytest.param('{"tags": [' + "0," * 300_000 + "0]}", id="many values"),
        pytest.param(
            "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"c{n}: &c{n} [*b, *b]\n" for n in range(60_000)), id="alias"
        ),
    ],
)
def test_a_hostile_text_is_refused(text: str) -> None:
    assert refused(text).code is Code.INVALID_ARGUMENT


def test_data_that_are_read_already_are_checked_too() -> None:
    assert export.adopted_of({"template": "t"}).template == "t"
    with pytest.raises(EngineError, match="resources: this is a string"):
        export.adopted_of({"resources": "x"})


PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
KEYS = st.sampled_from(
    ["resources", "template", "environment", "files", "metadata", "resource_id", "resource_data", "parameters", "a"]
)
TREES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))


@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_any_data_are_adopted_or_refused(data: dict[str, Any]) -> None:
    try:
        found: Adopted | Code = export.adopted(json.dumps(data))
    except EngineError as error:
        found = error.code

    assert found is Code.INVALID_ARGUMENT or isinstance(found, Adopted)
