from __future__ import annotations

import pytest

from engine.schema.attributes import attribute
from engine.schema.properties import anything, boolean, integer, listing, mapping, number, string
from engine.schema.type_schema import TypeSchema
from engine.template import environment, facade_check, nested, parse, source
from kit.catalogue import CATALOGUE, NEWEST

REAL = TypeSchema(
    "Real",
    {
        "s": string("Text.", required=True),
        "i": integer("Whole."),
        "n": number("Any number."),
        "b": boolean("Whether."),
        "l": listing("Words."),
        "m": mapping("A map."),
        "a": anything("All."),
    },
    {"value": attribute("What it holds."), "other": attribute("More.")},
)
PARAMETERS = {
    "s": "string",
    "i": "number",
    "n": "number",
    "b": "boolean",
    "l": "comma_delimited_list",
    "m": "json",
    "a": "comma_delimited_list",
}
OUTPUTS = ("value", "other")


def problems_with(parameters: dict[str, str], outputs: tuple[str, ...] = OUTPUTS, real: TypeSchema = REAL) -> list[str]:
    """Return the problems of a template whose parameters are of these types; one with a default ends in `?`."""
    defaults = {"string": "x", "number": "1", "boolean": "true", "comma_delimited_list": "[]", "json": "{}"}
    text = NEWEST + "parameters:\n"
    for name, written in parameters.items():
        kind = written.removesuffix("?")
        default = f", default: {defaults[kind]}" if written != kind else ""
        text += f"  {name}: {{type: {kind}{default}}}\n"
    text += "outputs:\n" + "".join(f"  {name}: {{value: x}}\n" for name in outputs)
    provider = nested.interface_of(parse.parse(source.load(text)), environment.EMPTY, real.type_name)
    return facade_check.problems(real, provider)


def test_a_template_with_the_same_interface_fits() -> None:
    assert problems_with(PARAMETERS) == []


def test_properties_that_are_optional_may_be_left_out_and_defaulted_parameters_put_in() -> None:
    assert problems_with({"s": "string?", "more": "number?"}, (*OUTPUTS, "more")) == []


@pytest.mark.parametrize(
    ("parameters", "outputs", "expected"),
    [
        pytest.param({"i": "number"}, OUTPUTS, 'Real has to be given the property "s"', id="a required property"),
        pytest.param(
            {"s": "string", "i": "string"},
            OUTPUTS,
            'the parameter "i" has to be of type number as in Real, and is of type string',
            id="a property of another type",
        ),
        pytest.param(
            {"s": "json"}, OUTPUTS, '"s" has to be of type string as in Real, and is of type json', id="a map for text"
        ),
        pytest.param(
            {"s": "string", "m": "comma_delimited_list"},
            OUTPUTS,
            '"m" has to be of type json as in Real, and is of type comma_delimited_list',
            id="a list for a map",
        ),
        pytest.param(
            {"s": "string", "more": "string"},
            OUTPUTS,
            'has to be given the parameter "more", and Real has no such property',
            id="a parameter that nobody can give",
        ),
        pytest.param(
            {"s": "string"},
            ("value",),
            'Real has the attribute "other", and the template has no output',
            id="an output",
        ),
    ],
)
def test_a_template_does_not_fit(parameters: dict[str, str], outputs: tuple[str, ...], expected: str) -> None:
    (found,) = problems_with(parameters, outputs)

    assert expected in found


def test_all_that_does_not_fit_is_told() -> None:
    assert len(problems_with({"i": "json", "more": "string"}, ())) == 5


def test_a_type_that_takes_and_has_everything_asks_for_nothing() -> None:
    anything_goes = CATALOGUE.find("Test::Anything")

    assert anything_goes is not None
    assert problems_with({"more": "string"}, (), anything_goes) == []
