from __future__ import annotations

from typing import Any

import pytest

from engine.plugin import Done
from engine.resources.heat.value import Value
from engine.schema import changes
from engine.schema.types import UNKNOWN
from kit.plugin_host import PluginHost, PropertiesRefused


@pytest.mark.parametrize(
    ("type_name", "given", "value"),
    [
        pytest.param(None, {"a": [1, None]}, {"a": [1, None]}, id="without a type, as it is"),
        pytest.param(None, None, None, id="without a type, null"),
        pytest.param("string", 5, "5", id="a number as text"),
        pytest.param("string", None, "", id="no text"),
        pytest.param("number", "1.5", 1.5, id="text as a number"),
        pytest.param("number", "7", 7, id="text as a whole number"),
        pytest.param("boolean", "True", True, id="text as a truth value"),
        pytest.param("comma_delimited_list", "a,b,,", ["a", "b", "", ""], id="text as a list"),
        pytest.param("comma_delimited_list", ["a", 1], ["a", 1], id="a list"),
        pytest.param("comma_delimited_list", "", [], id="no text as a list"),
        pytest.param("json", '{"a": 1}', {"a": 1}, id="JSON text as a map"),
        pytest.param("json", "[1]", [1], id="JSON text as a list"),
        pytest.param("json", {"a": 1}, {"a": 1}, id="a map"),
        pytest.param("json", None, {}, id="no map"),
    ],
)
def test_its_value_is_of_its_type(type_name: str | None, given: Any, value: Any) -> None:
    host = PluginHost(Value())
    host.create(value=given, **({} if type_name is None else {"type": type_name}))

    assert host.attribute("value") == value


@pytest.mark.parametrize(
    ("type_name", "given", "problem"),
    [
        pytest.param("number", "many", '"many" is not a number', id="no number"),
        pytest.param("boolean", 1, "1 is not a boolean", id="no truth value"),
        pytest.param("string", [1], "[1] is not a string", id="no text"),
        pytest.param("comma_delimited_list", 3, "3 is not a list", id="no list"),
        pytest.param("json", "{", '"{" is not JSON', id="no JSON"),
        pytest.param("json", "1", '"1" is neither a map nor a list', id="JSON of a number"),
        pytest.param("tuple", 1, '"tuple" is not an allowed value', id="no type"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(type_name: str, given: Any, problem: str) -> None:
    with pytest.raises(PropertiesRefused) as refused:
        PluginHost(Value()).create(type=type_name, value=given)

    assert problem in str(refused.value)


def test_what_is_not_known_yet_is_not_refused() -> None:
    assert [*Value().validate({"type": "number", "value": UNKNOWN})] == []
    assert [*Value().validate({"type": "json", "value": {"a": UNKNOWN}})] == []


@pytest.mark.parametrize(
    ("path", "part"),
    [
        pytest.param(("a", 1, "b"), 3, id="there"),
        pytest.param(("a", 5), None, id="past the end"),
        pytest.param(("c",), None, id="no such key"),
    ],
)
def test_a_path_leads_into_the_value(path: tuple[str | int, ...], part: Any) -> None:
    host = PluginHost(Value())
    host.create(value={"a": [1, {"b": 3}]})

    assert host.attribute("value", *path) == part


def test_it_changes_in_place() -> None:
    host = PluginHost(Value())
    host.create(value=1)
    before = host.record.physical_id

    assert isinstance(host.update(value="2", type="number"), Done)
    assert host.attribute("value") == 2
    assert host.record.physical_id == before
    assert not changes.must_replace({"value", "type"}, Value.Properties.schemas)
