from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema import properties
from engine.schema.properties import (
    OnChange,
    PropertyGroup,
    PropertyValues,
    anything,
    boolean,
    integer,
    listing,
    mapping,
    number,
    string,
)
from engine.schema.types import UNKNOWN


class Address(PropertyGroup):
    ip = string("Where.", required=True)
    port = integer("Which door.", default=80, between=(1, 65535))


class Server(PropertyGroup):
    name = string("What it is called.", required=True, length=(1, 8))
    size = integer("How big.", default=1, between=(1, 5), on_change=OnChange.UPDATE)
    ratio = number("A number.")
    is_public = boolean("Whether.", default=False)
    tags = listing("Words.", string("A word."))
    address = mapping("Where.", Address)
    routes = listing("Ways.", mapping("A way.", Address))
    kind = string("A reserved word of Python.", name="class", one_of=("small", "big"))
    later = string("Not yet.", implemented=False)
    extra = anything("Whatever.")


def problems_of(given: dict[str, Any]) -> dict[str, str]:
    return {problem.where(): problem.summary for problem in properties.resolve(Server.schemas, given).problems}


def test_a_group_collects_its_schemas_by_name() -> None:
    assert list(Server.schemas)[:3] == ["name", "size", "ratio"]
    assert "class" in Server.schemas
    assert Server.schemas["size"].on_change is OnChange.UPDATE


def test_a_group_inherits() -> None:
    class Bigger(Server):
        size = integer("Redefined.", default=3)
        colour = string("New.")

    assert set(Bigger.schemas) == {*Server.schemas, "colour"}
    assert Bigger.schemas["size"].default == 3
    assert Server.schemas["size"].default == 1


def test_defaults_are_filled_in_and_values_converted() -> None:
    resolved = properties.resolve(Server.schemas, {"name": 5, "tags": ["a", 1], "address": {"ip": "::1"}})

    assert resolved.problems == ()
    assert resolved.values["name"] == "5"
    assert resolved.values["size"] == 1
    assert resolved.values["ratio"] is None
    assert resolved.values["tags"] == ["a", "1"]
    assert resolved.values["address"] == {"ip": "::1", "port": 80}


def test_all_problems_come_at_once_each_with_its_path() -> None:
    found = problems_of(
        {
            "nam": "x",
            "size": 9,
            "tags": ["ok", ["deep"]],
            "routes": [{"ip": "1"}, {"port": "x", "prot": 1}],
            "later": "now",
            "class": "huge",
        }
    )

    assert found == {
        "": 'the property "name" is required, but not given',
        "nam": 'there is no property "nam"; did you mean name?',
        "size": "9 is out of range (min: 1, max: 5)",
        "tags[1]": '["deep"] is not a string',
        "routes[1]": 'the property "ip" is required, but not given',
        "routes[1].port": '"x" is not an integer',
        "routes[1].prot": 'there is no property "prot"; did you mean port?',
        "later": 'the property "later" is not implemented yet',
        "class": '"huge" is not an allowed value ["small", "big"]',
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("size", 1, id="the default where there is one"),
        pytest.param("ratio", 0, id="zero of its kind"),
        pytest.param("tags", [], id="an empty list"),
        pytest.param("extra", None, id="null where anything goes"),
    ],
)
def test_an_explicit_null_becomes(name: str, expected: Any) -> None:
    resolved = properties.resolve(Server.schemas, {"name": "x", name: None})

    assert resolved.problems == ()
    assert resolved.values[name] == expected


def test_an_explicit_null_satisfies_required_and_is_then_checked() -> None:
    assert problems_of({"name": None}) == {"name": "length (0) is out of range (min: 1, max: 8)"}


def test_the_fields_of_a_map_that_is_null_are_checked() -> None:
    assert problems_of({"name": "x", "address": None}) == {"address": 'the property "ip" is required, but not given'}


def test_what_is_not_given_is_not_checked() -> None:
    assert problems_of({"name": "x"}) == {}


def test_unknown_values_pass_every_check() -> None:
    given = {
        "name": UNKNOWN,
        "size": UNKNOWN,
        "tags": [UNKNOWN],
        "address": {"ip": UNKNOWN},
        "routes": UNKNOWN,
    }
    resolved = properties.resolve(Server.schemas, given)

    assert resolved.problems == ()
    assert resolved.values["name"] is UNKNOWN
    assert resolved.values["tags"] == [UNKNOWN]
    assert resolved.values["address"] == {"ip": UNKNOWN, "port": 80}


def test_names_are_checked_at_every_depth() -> None:
    found = problems_of({"name": "x", "siez": 1, "size": 1, "routes": [{"ip": "1", "pot": 1}], "later": 1})

    assert list(found) == ["siez", "routes[0].pot", "later"]


def test_values_are_read_by_key_and_by_attribute() -> None:
    values = PropertyValues({"length": 3})

    assert values.length == values["length"] == 3
    assert dict(values) == {"length": 3}
    with pytest.raises(AttributeError):
        _ = values.width


def test_values_do_not_show_in_logs() -> None:
    assert "secret" not in repr(PropertyValues({"password": "secret"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ip", "port", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Server.schemas, "strange"]), JSON))
def test_what_was_resolved_without_problems_resolves_to_itself(given_values: dict[str, Any]) -> None:
    resolved = properties.resolve(Server.schemas, given_values)
    again = properties.resolve(
        Server.schemas, {name: value for name, value in resolved.values.items() if value is not None}
    )

    assert resolved.problems or again == resolved
