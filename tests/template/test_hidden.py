"""Which properties may tell what a hidden parameter holds."""

from __future__ import annotations

import pytest

from engine.template import hidden
from kit.catalogue import NEWEST, target_of

TEMPLATE = """\
parameters:
  secret: {type: string, default: x, hidden: true}
  plain: {type: string, default: x}
conditions:
  always: true
resources:
  it:
    type: Test::Thing
    properties: {name: VALUE}
"""


@pytest.mark.parametrize(
    ("value", "is_hidden"),
    [
        pytest.param("{get_param: secret}", True, id="as it is"),
        pytest.param("{get_param: [secret]}", True, id="with a path"),
        pytest.param('{str_replace: {template: "a", params: {a: {get_param: secret}}}}', True, id="inside a function"),
        pytest.param("{if: [always, x, {get_param: secret}]}", True, id="in a branch that is not taken"),
        pytest.param("{list_join: ['', [{if: [always, {get_param: secret}, x]}]]}", True, id="in a choice inside"),
        pytest.param("{get_param: plain}", False, id="another parameter"),
        pytest.param("secret", False, id="the name as plain text"),
        pytest.param("{if: [always, secret, x]}", False, id="the name as plain text in a branch"),
    ],
)
def test_a_property_is_hidden_that_uses_a_hidden_parameter_anywhere(value: str, *, is_hidden: bool) -> None:
    target = target_of(NEWEST + TEMPLATE.replace("VALUE", value))

    found = hidden.properties([target])["it"]

    assert found == (frozenset({"name"}) if is_hidden else frozenset())


def test_a_template_without_hidden_parameters_hides_nothing() -> None:
    text = TEMPLATE.replace("hidden: true", "hidden: false").replace("VALUE", "{get_param: secret}")
    target = target_of(NEWEST + text)

    assert hidden.properties([target])["it"] == frozenset()


def test_the_keys_of_maps_count_as_little_as_texts_outside_of_functions() -> None:
    text = TEMPLATE.replace("{name: VALUE}", "{rules: [{port: 1, to: secret}], name: {get_param: secret}}")
    target = target_of(NEWEST + text)

    assert hidden.properties([target])["it"] == frozenset({"name"})


READERS = """\
  reader: {type: Test::Thing, properties: {name: {get_attr: [it, value]}, tags: [{get_resource: it}]}}
  behind: {type: Test::Thing, properties: {name: {list_join: ["", [{get_attr: [reader, value]}]]}}}
  aside: {type: Test::Thing, properties: {name: {get_attr: [bare, value]}}}
  bare: {type: Test::Thing, properties: {name: it}}
"""


def test_what_reads_an_attribute_of_a_resource_that_was_given_a_hidden_value_is_hidden_however_far_behind() -> None:
    target = target_of(NEWEST + TEMPLATE.replace("VALUE", "{get_param: secret}") + READERS)

    found = hidden.properties([target])

    assert found == {
        "it": {"name"},
        "reader": {"name"},
        "behind": {"name"},
        "aside": set(),
        "bare": set(),
    }


INNER = """\
parameters:
  own: {type: string, default: x, hidden: true}
outputs:
  told: {value: {get_param: own}}
"""


def test_a_nested_stack_with_a_hidden_parameter_of_its_own_may_tell_it_by_any_attribute() -> None:
    text = """\
resources:
  box: {type: inner.yaml}
  reader: {type: Test::Thing, properties: {name: {get_attr: [box, told]}}}
"""
    target = target_of(NEWEST + text, files={"inner.yaml": NEWEST + INNER})

    assert hidden.properties([target])["reader"] == frozenset({"name"})
