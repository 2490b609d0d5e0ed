from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.model.errors import Code
from engine.model.problems import Problem
from engine.schema.types import UNKNOWN
from engine.template import parameters, parse, source
from engine.template.expressions import BadArgument
from engine.template.facts import Facts
from engine.template.parameters import Given, ParameterValues


def resolved(
    section: str, given: Mapping[str, Any] | None = None, **options: Any
) -> tuple[ParameterValues, list[Problem]]:
    text = "heat_template_version: 2021-04-16\nparameters:\n" + section
    template = parse.parse(source.load(text))

    assert template.problems == ()
    defaults, pseudo = options.pop("defaults", {}), options.pop("pseudo", {})
    return parameters.resolve(template.parameters, Given(given or {}, defaults, pseudo), **options)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param("string", 5, "5", id="a number as text"),
        pytest.param("string", True, "True", id="a boolean as text"),
        pytest.param("string", [1, {"a": None}], '[1, {"a": null}]', id="a tree as text"),
        pytest.param("string", "", "", id="empty text"),
        pytest.param("number", "1e3", 1000.0, id="an exponent"),
        pytest.param("number", " 5 ", 5, id="blanks"),
        pytest.param("number", 2.5, 2.5, id="a number"),
        pytest.param("boolean", "ON", True, id="on"),
        pytest.param("boolean", "n", False, id="n"),
        pytest.param("boolean", 1, True, id="1"),
        pytest.param("boolean", False, False, id="false"),
        pytest.param("comma_delimited_list", " a , b", [" a ", " b"], id="blanks stay"),
        pytest.param("comma_delimited_list", "", [], id="an empty list"),
        pytest.param("comma_delimited_list", ",", ["", ""], id="two empty items"),
        pytest.param("comma_delimited_list", ["a", 1, None], ["a", "1", "None"], id="a list"),
        pytest.param("json", "5", 5, id="a number in JSON"),
        pytest.param("json", "", "", id="empty text stays"),
        pytest.param("json", '{"a": [1]}', {"a": [1]}, id="JSON"),
        pytest.param("json", {"a": [1]}, {"a": [1]}, id="a map"),
    ],
)
def test_a_value_becomes(kind: str, value: Any, expected: Any) -> None:
    values, problems = resolved(f"  p: {{type: {kind}}}", {"p": value})

    assert problems == []
    assert values.values["p"] == expected
    assert type(values.values["p"]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param("number", "0x10", '"0x10" is not a number', id="hexadecimal"),
        pytest.param("number", "", '"" is not a number', id="empty text"),
        pytest.param("number", [], "[] is not a number", id="a list"),
        pytest.param("number", "9" * 5_000, "is not a number", id="more digits than can be printed"),
        pytest.param("boolean", 2, "2 is not a boolean", id="2"),
        pytest.param("boolean", "", "is not a boolean", id="nothing"),
        pytest.param("comma_delimited_list", 5, "5 is not a list", id="a number"),
        pytest.param("comma_delimited_list", {"a": 1}, "is not a list", id="a map"),
        pytest.param("json", "abc", '"abc" is not JSON', id="no JSON"),
        pytest.param("json", "NaN", "is not a finite number", id="NaN"),
        pytest.param("json", "[" * 500 + "]" * 500, "deep inside each other", id="deep JSON"),
        pytest.param("json", "[" * 100_000, "is not JSON", id="very deep JSON"),
    ],
)
def test_a_value_is_refused(kind: str, value: Any, expected: str) -> None:
    values, problems = resolved(f"  p: {{type: {kind}}}", {"p": value})

    assert [problem.path for problem in problems] == [("parameters", "p")]
    assert expected in problems[0].summary
    assert problems[0].line == 3
    assert values.values["p"] is UNKNOWN


@pytest.mark.parametrize(
    ("kind", "constraint", "good", "bad"),
    [
        pytest.param("number", "range: {min: 1, max: '3'}", 3, "3.5", id="range"),
        pytest.param("number", "modulo: {step: -3, offset: -1}", 2, 3, id="modulo"),
        pytest.param("number", "allowed_values: ['1', 2]", 1, 3, id="allowed numbers"),
        pytest.param("number", "allowed_values: [2]", 2.0, 3, id="allowed fractions"),
        pytest.param("boolean", "allowed_values: ['yes']", True, False, id="allowed booleans"),
        pytest.param("string", "allowed_values: [1, b]", "1", "2", id="allowed text"),
        pytest.param("comma_delimited_list", "allowed_values: [a, b]", "", "a,c", id="allowed items"),
        pytest.param("string", "length: {max: 2}", 12, 123, id="length of a number's text"),
        pytest.param("comma_delimited_list", "length: {min: 2}", "a,b", "a", id="items"),
        pytest.param("json", "length: {max: 1}", {"a": 1}, {"a": 1, "b": 2}, id="keys"),
        pytest.param("string", "allowed_pattern: 'a|ab'", "a", "ab", id="pattern"),
        pytest.param("string", "length: {max: 2}, allowed_pattern: x", "ab", "abc", id="only the first of two"),
    ],
)
def test_a_constraint(kind: str, constraint: str, good: Any, bad: Any) -> None:
    section = f"  p: {{type: {kind}, constraints: [{{{constraint}}}]}}"

    assert resolved(section, {"p": good})[1] == []
    assert len(resolved(section, {"p": bad})[1]) == 1


def test_a_constraint_speaks_with_its_authors_words() -> None:
    _, problems = resolved("  p: {type: number, constraints: [{range: {max: 1}, description: Too much.}]}", {"p": 2})

    assert [problem.summary for problem in problems] == ["Too much."]


def test_a_custom_constraint_is_asked() -> None:
    section = "  p: {type: string, default: a, constraints: [{custom_constraint: even}]}"
    custom = {"even": lambda value: None if len(value) % 2 == 0 else "odd"}

    assert resolved(section, {"p": "ab"}, custom=custom)[1] == []
    assert [problem.summary for problem in resolved(section, custom=custom)[1]] == ["odd"]
    assert "there is no custom constraint even" in resolved(section, {"p": "ab"})[1][0].summary


def test_values_go_before_defaults_of_the_environment_and_of_the_template() -> None:
    section = "  p: {type: string, default: template}\n  q: {type: string}"

    assert resolved(section, {"p": "given", "q": "x"}, defaults={"p": "env"})[0].values["p"] == "given"
    assert resolved(section, {"p": None, "q": "x"}, defaults={"p": "env"})[0].values["p"] == "env"
    assert resolved(section, {"q": "x"})[0].values["p"] == "template"
    assert resolved(section, {}, defaults={"q": "env", "unknown": 1})[1] == []


def test_all_that_is_missing_or_unknown_is_told() -> None:
    values, problems = resolved(
        "  one: {type: string}\n  two: {type: number, default: }",
        {"tow": 1, "OS::stack_id": 2},
        pseudo={"OS::stack_id": "i"},
    )

    assert [(problem.code, problem.path[1]) for problem in problems] == [
        (Code.PARAMETER_UNKNOWN, "tow"),
        (Code.PARAMETER_UNKNOWN, "OS::stack_id"),
        (Code.PARAMETER_MISSING, "one"),
        (Code.PARAMETER_MISSING, "two"),
    ]
    assert "did you mean two?" in problems[0].summary
    assert "set by the engine" in problems[1].summary
    assert values.missing == {"one", "two"}


def test_without_values_nothing_has_to_be_there_and_nothing_is_checked() -> None:
    section = "  p: {type: number}\n  q: {type: number, constraints: [{range: {max: 1}}]}"
    values, problems = resolved(section, {"q": 5}, strict=False)

    assert problems == []
    assert values.values["p"] is UNKNOWN


def test_a_value_that_is_not_known_yet_is_not_checked() -> None:
    values, problems = resolved("  p: {type: number}", {"p": UNKNOWN})

    assert problems == []
    assert values.values["p"] is UNKNOWN


def test_values_are_shown_as_text_and_hidden_ones_masked() -> None:
    values, _ = resolved(
        "  s: {type: string}\n  n: {type: number}\n  b: {type: boolean}\n  l: {type: comma_delimited_list}\n"
        "  j: {type: json}\n  h: {type: string, hidden: true}",
        {"s": "x", "n": 5, "b": "yes", "l": ["a", "b"], "j": {"a": 1}, "h": "secret"},
        pseudo={"OS::stack_name": "web"},
    )

    assert values.shown() == {
        "OS::stack_name": "web",
        "s": "x",
        "n": "5",
        "b": "True",
        "l": "a,b",
        "j": '{"a": 1}',
        "h": "******",
    }
    assert "secret" not in repr(values)


def test_a_hidden_value_is_not_repeated_in_a_problem() -> None:
    section = "  h: {type: string, hidden: true, constraints: [{length: {max: 3}}, {allowed_values: [a]}]}\n"
    section += "  n: {type: number, hidden: true}"
    _, problems = resolved(section, {"h": "secret", "n": "secret"})

    assert len(problems) == 2
    assert not [problem for problem in problems if "secret" in problem.summary]


def test_an_unknown_name_has_no_value() -> None:
    values, _ = resolved("  size: {type: number, default: 1}")

    with pytest.raises(BadArgument, match="did you mean size"):
        Facts(values).parameter("sizes")
