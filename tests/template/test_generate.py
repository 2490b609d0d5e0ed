from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import resources
from engine.plugin import registry as registries
from engine.schema import properties
from engine.schema.attributes import attribute
from engine.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from engine.schema.properties import PropertySchema, anything, boolean, integer, listing, mapping, number, string
from engine.schema.support import Support, SupportStatus
from engine.schema.type_schema import TypeSchema
from engine.schema.types import Kind
from engine.template import dialects, environment, generate, parse, source, target
from engine.template.generate import Form
from engine.template.target import Target

Golden = Callable[[str, str], None]

REGISTRY: Final = registries.discover(resources)
HIDDEN: Final = Support(SupportStatus.HIDDEN)
FORMS: Final = [pytest.param(Form.HOT, id="hot"), pytest.param(Form.CFN, id="cfn")]

EVERYTHING = TypeSchema(
    "Test::Group::Everything",
    {
        "name": string("What it is called.", required=True, length=(1, 9), pattern="[a-z]+", custom="dns_name"),
        "size": integer("How big.", default=1, between=(1, None)),
        "ratio": number("How steep.", default=0.5, between=(-1, 1.5)),
        "is_public": boolean("Whether.", default=False),
        "colours": listing("Words.", string("A word."), default=["red"], one_of=("red", "blue"), length=(None, 2)),
        "ports": listing("Numbers.", integer("A number."), one_of=(80, 443)),
        "rules": listing("Maps.", mapping("A map.", {"port": integer("Which.")}), default=({"port": 1},)),
        "labels": mapping("Names and values.", default={"a": {"b": None}}, length=(0, 5)),
        "payload": anything("Whatever.", default="text", one_of=("text", 1)),
        "old": string("Hidden.", default="x", support=HIDDEN),
        "later": string("Not there yet.", implemented=False),
        "untold": string(""),
    },
    {
        "value": attribute("What it holds."),
        "plain": attribute(""),
        "former": attribute("Hidden.", support=HIDDEN),
    },
)


@dataclass(frozen=True)
class Only:
    """A catalogue of one type."""

    schema: TypeSchema

    def find(self, type_name: str) -> TypeSchema | None:
        return self.schema if type_name == self.schema.type_name else None

    def names(self) -> Iterable[str]:
        return (self.schema.type_name,)


def built(schema: TypeSchema, form: Form, **inputs: Any) -> Target:
    """Return the target of what is generated, without values; fail if anything is wrong with it."""
    given = {"environment": environment.EMPTY, "catalogue": Only(schema), "strict": False, **inputs}
    return target.build(parse.parse(source.load(generate.text(schema, form))), **given)


def one(schema: PropertySchema) -> TypeSchema:
    """Return a type with one property, `p`."""
    return TypeSchema("Test::One", {"p": schema})


def parameter(schema: TypeSchema, form: Form) -> dict[str, Any]:
    """Return the parameter of the property `p`."""
    found: dict[str, Any] = generate.template(schema, form)["Parameters" if form is Form.CFN else "parameters"]["p"]
    return found


@pytest.mark.parametrize(
    ("name", "schema", "form"),
    [
        pytest.param("everything.hot.yaml", EVERYTHING, Form.HOT, id="everything in HOT"),
        pytest.param("everything.cfn.yaml", EVERYTHING, Form.CFN, id="everything in CFN"),
        pytest.param("random-string.hot.yaml", REGISTRY.find("OS::Heat::RandomString"), Form.HOT, id="RandomString"),
        pytest.param("delay.cfn.yaml", REGISTRY.find("OS::Heat::Delay"), Form.CFN, id="Delay"),
        pytest.param("none.hot.yaml", REGISTRY.find("OS::Heat::None"), Form.HOT, id="no properties"),
    ],
)
def test_generated_texts(golden: Golden, name: str, schema: TypeSchema, form: Form) -> None:
    golden(f"generated-{name}", generate.text(schema, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("type_name", REGISTRY.names())
def test_a_generated_template_is_valid(type_name: str, form: Form) -> None:
    schema = REGISTRY.find(type_name)
    assert schema is not None

    found = built(schema, form, catalogue=REGISTRY)

    assert [declared.type for declared in found.declarations.values()] == [type_name]


@pytest.mark.parametrize("form", FORMS)
def test_a_template_of_everything_is_valid(form: Form) -> None:
    (declared,) = built(EVERYTHING, form).declarations.values()

    assert set(declared.properties) == set(EVERYTHING.properties) - {"old", "later"}


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("type_name", [*REGISTRY.names(), EVERYTHING.type_name])
def test_the_text_says_what_the_data_says(type_name: str, form: Form) -> None:
    schema = REGISTRY.find(type_name) or EVERYTHING

    assert source.load(generate.text(schema, form)).data == generate.template(schema, form)


def test_the_sections_come_in_the_order_in_which_people_write_them() -> None:
    hot, cfn = (generate.template(EVERYTHING, form) for form in (Form.HOT, Form.CFN))

    assert list(hot) == ["heat_template_version", "description", "parameters", "resources", "outputs"]
    assert list(cfn) == ["HeatTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs"]
    assert hot["heat_template_version"] == "2016-10-14"
    assert cfn["HeatTemplateFormatVersion"] == "2012-12-12"


def test_outputs_are_calls_and_not_texts_of_calls() -> None:
    hot = generate.template(EVERYTHING, Form.HOT)["outputs"]
    cfn = generate.template(EVERYTHING, Form.CFN)["Outputs"]

    assert list(hot) == list(cfn) == ["value", "plain", "show", "OS::stack_id"]
    assert hot["value"]["value"] == {"get_attr": ["Everything", "value"]}
    assert cfn["value"]["Value"] == {"Fn::GetAtt": ["Everything", "value"]}
    assert hot["OS::stack_id"] == {"value": {"get_resource": "Everything"}}
    assert cfn["OS::stack_id"] == {"Value": {"Ref": "Everything"}}


def test_a_type_of_its_own_show_keeps_its_description() -> None:
    schema = replace(EVERYTHING, attributes={"show": attribute("All of it.")})

    assert generate.template(schema, Form.HOT)["outputs"]["show"]["description"] == "All of it."


@pytest.mark.parametrize("form", FORMS)
def test_a_resource_never_has_the_name_of_a_parameter(form: Form) -> None:
    schema = TypeSchema("AWS::EC2::EIP", {"EIP": string("Which."), "EIPResource": string("Whose.")})

    assert list(built(schema, form).declarations) == ["EIPResourceResource"]


@pytest.mark.parametrize(
    ("schema", "hot", "cfn"),
    [
        pytest.param(string(""), "string", "String", id="string"),
        pytest.param(integer(""), "number", "Number", id="integer"),
        pytest.param(number(""), "number", "Number", id="number"),
        pytest.param(boolean(""), "boolean", "Boolean", id="boolean"),
        pytest.param(mapping(""), "json", "Json", id="map"),
        pytest.param(anything(""), "json", "Json", id="anything"),
        pytest.param(listing(""), "comma_delimited_list", "CommaDelimitedList", id="list of whatever"),
        pytest.param(
            listing("", integer("")), "comma_delimited_list", "CommaDelimitedList", id="list of what has a text"
        ),
        pytest.param(listing("", mapping("")), "json", "Json", id="list of maps"),
        pytest.param(listing("", listing("")), "json", "Json", id="list of lists"),
        pytest.param(listing("", anything("")), "json", "Json", id="list of anything"),
        pytest.param(listing("", default=[{"a": 1}]), "json", "Json", id="list of whatever with a map as default"),
    ],
)
def test_each_kind_has_its_type_of_parameter(schema: PropertySchema, hot: str, cfn: str) -> None:
    assert parameter(one(schema), Form.HOT)["type"] == hot
    assert parameter(one(schema), Form.CFN)["Type"] == cfn


@pytest.mark.parametrize(
    ("schema", "cfn"),
    [
        pytest.param(string(""), {"Ref": "p"}, id="string"),
        pytest.param(listing("", string("")), {"Fn::Split": [",", {"Ref": "p"}]}, id="list"),
        pytest.param(listing("", mapping("")), {"Ref": "p"}, id="list of maps"),
        pytest.param(mapping(""), {"Ref": "p"}, id="map"),
    ],
)
def test_a_property_reads_the_parameter_of_its_name(schema: PropertySchema, cfn: dict[str, Any]) -> None:
    assert generate.template(one(schema), Form.HOT)["resources"]["One"]["properties"] == {"p": {"get_param": "p"}}
    assert generate.template(one(schema), Form.CFN)["Resources"]["One"]["Properties"] == {"p": cfn}


@pytest.mark.parametrize(
    ("kind", "constraint", "hot", "cfn"),
    [
        pytest.param(
            Kind.INTEGER, Range(1, 5), {"range": {"min": 1, "max": 5}}, {"MinValue": 1, "MaxValue": 5}, id="range"
        ),
        pytest.param(Kind.NUMBER, Range(0, None), {"range": {"min": 0}}, {"MinValue": 0}, id="half a range"),
        pytest.param(Kind.NUMBER, Range(None, None), None, {}, id="no range at all"),
        pytest.param(Kind.MAP, Length(None, 0), {"length": {"max": 0}}, {"MaxLength": 0}, id="length"),
        pytest.param(
            Kind.NUMBER, AllowedValues((1, 2.5)), {"allowed_values": [1, 2.5]}, {"AllowedValues": [1, 2.5]}, id="values"
        ),
        pytest.param(
            Kind.LIST,
            AllowedValues((1, "a")),
            {"allowed_values": ["1", "a"]},
            {"AllowedValues": ["1", "a"]},
            id="items",
        ),
        pytest.param(Kind.ANY, AllowedValues((1, "a")), None, {}, id="values of anything"),
        pytest.param(
            Kind.STRING, AllowedPattern("a+"), {"allowed_pattern": "a+"}, {"AllowedPattern": "a+"}, id="pattern"
        ),
        pytest.param(Kind.STRING, CustomConstraint("ip_addr"), {"custom_constraint": "ip_addr"}, {}, id="custom"),
        pytest.param(Kind.MAP, CustomConstraint("ip_addr"), None, {}, id="custom on a map"),
        pytest.param(Kind.NUMBER, Modulo(2, 1), None, {}, id="modulo, which both versions lack"),
    ],
)
def test_constraints_are_copied_as_far_as_they_can_be_said(
    kind: Kind, constraint: Constraint, hot: dict[str, Any] | None, cfn: dict[str, Any]
) -> None:
    schema = one(PropertySchema(kind, constraints=(constraint,)))

    assert parameter(schema, Form.HOT).get("constraints", []) == ([hot] if hot else [])
    assert {key: value for key, value in parameter(schema, Form.CFN).items() if key != "Type"} == cfn


def test_a_description_of_a_constraint_stands_beside_it() -> None:
    schema = one(PropertySchema(Kind.STRING, constraints=(Length(1, 2, "Short."), AllowedPattern("a+"))))

    assert parameter(schema, Form.HOT)["constraints"] == [
        {"length": {"min": 1, "max": 2}, "description": "Short."},
        {"allowed_pattern": "a+"},
    ]


def test_descriptions_of_constraints_share_a_key_in_cfn() -> None:
    told = (Length(1, 2, "Short."), AllowedPattern("a+", "Of a."), CustomConstraint("ip_addr", "Of the net."))
    schema = one(PropertySchema(Kind.STRING, constraints=told))

    assert parameter(schema, Form.CFN)["ConstraintDescription"] == "Short. Of a."


def test_booleans_of_cfn_may_be_written_in_four_ways() -> None:
    assert parameter(one(boolean("")), Form.CFN)["AllowedValues"] == ["True", "true", "False", "false"]
    assert parameter(one(boolean("", one_of=(True,))), Form.CFN)["AllowedValues"] == [True]


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["1e3", "yes", "null", "2016-10-14", "a: b", "12:30", "#", "<<", "a,b", "~"]
)
NUMBERS = st.integers(-9, 9) | st.floats(-1e9, 1e9)
TREES = st.recursive(
    st.booleans() | NUMBERS | TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PROPERTIES = st.one_of(
    TEXTS.map(lambda value: string("", default=value, length=(0, 10), one_of=("x", value))),
    st.integers().map(lambda value: integer("", default=value, between=(value, None))),
    NUMBERS.map(lambda value: number("", default=value, between=(None, value), one_of=(value,))),
    st.booleans().map(lambda value: boolean("", default=value)),
    st.lists(TEXTS, max_size=3).map(lambda value: listing("", string(""), default=value, one_of=tuple(value))),
    st.lists(st.integers(), max_size=3).map(lambda value: listing("", integer(""), default=value)),
    st.lists(st.booleans(), max_size=3).map(lambda value: listing("", boolean(""), default=value)),
    st.lists(TREES, max_size=3).map(lambda value: listing("", default=value, length=(0, 3))),
    st.lists(st.dictionaries(TEXTS, TREES, max_size=2), max_size=2).map(
        lambda value: listing("", mapping(""), default=value)
    ),
    st.dictionaries(TEXTS, TREES, max_size=3).map(lambda value: mapping("", default=value, length=(0, 3))),
    TREES.filter(lambda value: value is not None).map(lambda value: anything("", default=value)),
)

# A type with one property that has the name of a function can't be used in a template: its properties are a call.
FUNCTIONS = {one.name for one in dialects.functions_of(f"{dialects.HOT}.{dialects.newest()}", with_condition=True)}
NAMES = st.from_regex(r"[a-z_]{1,9}", fullmatch=True).filter(lambda name: name not in FUNCTIONS)


@pytest.mark.parametrize("form", FORMS)
@given(schemas=st.dictionaries(NAMES, PROPERTIES, max_size=4))
def test_every_default_reaches_the_property_as_it_was(form: Form, schemas: dict[str, PropertySchema]) -> None:
    schema = TypeSchema("Test::Any", schemas)

    (declared,) = built(schema, form).declarations.values()

    assert declared.is_settled
    assert declared.explored.values == properties.resolve(schemas, {}).values
