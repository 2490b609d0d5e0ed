from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Problem
from engine.template import environment, environment_files, parse, source
from engine.template.declarations import ParameterType, Template
from engine.template.environment import Environment

TYPES = {
    "s": ParameterType.STRING,
    "n": ParameterType.NUMBER,
    "b": ParameterType.BOOLEAN,
    "l": ParameterType.LIST,
    "j": ParameterType.JSON,
}


def merged(*texts: str, parameters: Mapping[str, Any] | None = None) -> Environment:
    """Return the environments of texts as one; their files are called 1, 2, …"""
    files = [(str(number), environment.read(text, sinks={"a": {}, "b": {}})) for number, text in enumerate(texts, 1)]
    return environment_files.merge_files(files, parameters=parameters or {}, types=TYPES)


def refused(*texts: str, parameters: Mapping[str, Any] | None = None) -> list[Problem]:
    with pytest.raises(TemplateInvalid) as caught:
        merged(*texts, parameters=parameters)
    return list(caught.value.problems)


def both(name: str, first: Any, second: Any, strategy: str) -> Any:
    """Return what becomes of two values of a parameter."""
    texts = [
        json.dumps({"parameters": {name: value}, "parameter_merge_strategies": {"default": strategy}})
        for value in (first, second)
    ]
    return merged(*texts).parameters[name]


def test_a_later_file_wins() -> None:
    found = merged("parameters: {s: first, n: 1}\nparameter_defaults: {s: d}", "parameters: {s: second}")

    assert found == Environment(parameters={"s": "second", "n": 1}, parameter_defaults={"s": "d"})


def test_a_file_wins_over_the_request() -> None:
    found = merged("parameters: {s: file}", parameters={"s": "cli", "n": 1, "j": None})

    assert found.parameters == {"s": "file", "n": 1}


def test_null_never_overwrites() -> None:
    assert merged("parameters: {s: first}", "parameters: {s: null}").parameters == {"s": "first"}


@pytest.mark.parametrize(
    ("name", "first", "second", "expected"),
    [
        pytest.param("s", "a", "b", "ab", id="strings"),
        pytest.param("s", "a", 5, "a5", id="string and number"),
        pytest.param("n", 1, 2, 3, id="numbers"),
        pytest.param("n", "1", 2.5, 3.5, id="text of numbers"),
        pytest.param("n", 0, 2, 2, id="zero"),
        pytest.param("l", "1,2", "3", "1,2,3", id="list texts"),
        pytest.param("l", "", "3", "3", id="empty list text"),
        pytest.param("l", "1,2", "", "1,2", id="empty list text on top"),
        pytest.param("l", [1], ["b"], [1, "b"], id="lists"),
        pytest.param("l", "1,2", ["b"], ["1", "2", "b"], id="list text and list"),
        pytest.param("l", ["b"], "1,2", ["b", "1", "2"], id="list and list text"),
        pytest.param("l", [], "1,2", ["1", "2"], id="empty list and text"),
        pytest.param("j", {"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="maps"),
        pytest.param("j", {"a": 1}, {"a": None, "b": 2}, {"a": 1, "b": 2}, id="null in maps"),
        pytest.param("j", '{"a": 1}', {"b": 2}, {"a": 1, "b": 2}, id="text of a map"),
        pytest.param("j", {"a": 1}, '{"b": 2}', {"a": 1, "b": 2}, id="text of a map on top"),
        pytest.param("j", {"a": 1}, "", {"a": 1}, id="empty text"),
        pytest.param("j", "", {"a": 1}, {"a": 1}, id="empty text below"),
        pytest.param("j", [1], [2], [1, 2], id="JSON lists"),
        pytest.param("j", {"a": 1}, [2], [2], id="JSON of two kinds"),
    ],
)
def test_values_are_merged_by_type(name: str, first: Any, second: Any, expected: Any) -> None:
    assert both(name, first, second, "merge") == expected
    assert both(name, first, second, "deep_merge") == expected
    assert both(name, first, second, "overwrite") == second


A = {"a": {"x": 1}, "l": [1], "s": "p", "n": 1, "m": {"k": 1}, "z": None}
B = {"a": {"y": 2}, "l": [2], "s": "q", "n": 2, "m": [3], "z": {"q": None}, "w": None}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("merge", {"a": {"y": 2}, "l": [2], "s": "q", "n": 2, "m": [3], "z": {"q": None}}),
        ("deep_merge", {"a": {"x": 1, "y": 2}, "l": [1, 2], "s": "pq", "n": 2, "m": [3], "z": {"q": None}}),
    ],
)
def test_maps_are_merged_as_deep_as_it_was_asked_for(strategy: str, expected: dict[str, Any]) -> None:
    assert both("j", A, B, strategy) == expected


def test_merging_leaves_what_was_read_as_it_was() -> None:
    texts = [json.dumps({"parameters": {"j": one, "l": [1]}}) for one in (A, B)]
    files = [(text, environment.read(text)) for text in texts]
    strategies = environment.read("parameter_merge_strategies: {default: deep_merge}").parameter_merge_strategies
    asked = Environment(files[0][1].parameters, parameter_merge_strategies=strategies)
    environment_files.merge_files([("1", asked), files[1]], parameters={}, types=TYPES)

    assert [one.parameters["j"] for _, one in files] == [A, B]
    assert files[0][1].parameters["l"] == [1]


def test_values_are_merged_with_those_of_the_request() -> None:
    found = merged("{parameters: {s: b, n: 2}, parameter_merge_strategies: {s: merge}}", parameters={"s": "a", "n": 1})

    assert found.parameters == {"s": "ab", "n": 2}


def test_three_files_are_merged_one_after_the_other() -> None:
    ask = "parameter_merge_strategies: {s: merge}"

    assert merged(f"parameters: {{s: a}}\n{ask}", "parameters: {s: b}", "parameters: {s: c}").parameters == {"s": "abc"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({}, {}, "b", id="overwrite if nothing is said"),
        pytest.param({"s": "merge"}, {}, "ab", id="the first file fixes it"),
        pytest.param({"s": "merge"}, {"s": "merge"}, "ab", id="the second may say the same"),
        pytest.param({"default": "merge"}, {}, "ab", id="by its default, too"),
        pytest.param({}, {"default": "merge"}, "b", id="the default of the second comes too late"),
        pytest.param({"s": "merge"}, {"default": "overwrite"}, "ab", id="and does not conflict"),
        pytest.param({"s": "overwrite", "default": "merge"}, {}, "b", id="a name before the default"),
    ],
)
def test_the_strategy_is_that_of_the_first_file_with_the_parameter(
    first: dict[str, str], second: dict[str, str], expected: str
) -> None:
    texts = [
        json.dumps({"parameters": {"s": value}, "parameter_merge_strategies": strategies})
        for value, strategies in (("a", first), ("b", second))
    ]

    assert merged(*texts).parameters == {"s": expected}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("parameters: {s: a}", "parameters: {s: b}", id="parameters"),
        pytest.param("parameters: {s: a}", "parameter_defaults: {s: b}", id="both sections share it"),
    ],
)
def test_another_strategy_of_a_later_file_is_refused(first: str, second: str) -> None:
    (problem,) = refused(first, f"{second}\nparameter_merge_strategies: {{s: merge}}")

    assert problem.code == Code.INVALID_MERGE_STRATEGY
    assert (problem.source, problem.where()) == ("2", "environment.parameter_merge_strategies.s")
    assert problem.summary == "the strategy is merge, but the first file that has the parameter fixed overwrite"


def test_a_strategy_for_a_parameter_that_a_file_does_not_have_fixes_nothing() -> None:
    ask = "parameter_merge_strategies: {s: merge}"

    assert merged(ask, "parameters: {s: a}", "parameters: {s: b}").parameters == {"s": "b"}


@pytest.mark.parametrize("strategy", ["merge", "deep_merge"])
def test_booleans_can_not_be_merged(strategy: str) -> None:
    ask = f"parameter_merge_strategies: {{default: {strategy}}}"
    (problem,) = refused(f"parameters: {{b: true}}\n{ask}", f"parameters: {{b: false}}\n{ask}")

    assert problem.code == Code.INVALID_MERGE_STRATEGY
    assert (problem.source, problem.where()) == ("2", "environment.parameters.b")
    assert problem.summary == f"the strategy {strategy} does not go with booleans; they can be overwritten only"


def test_a_boolean_that_only_one_file_has_is_not_merged() -> None:
    ask = "parameter_merge_strategies: {default: merge}"

    assert merged(f"parameters: {{b: true}}\n{ask}", ask).parameters == {"b": True}


@pytest.mark.parametrize(
    ("name", "first", "second", "expected"),
    [
        pytest.param("n", 1, "secret", "both have to be numbers", id="number"),
        pytest.param("n", "secret", 1, "both have to be numbers", id="earlier number"),
        pytest.param("l", "a", {"secret": 1}, "both have to be lists, or text with commas", id="list"),
        pytest.param("j", {"a": 1}, "{secret", "both have to be JSON", id="json"),
    ],
)
def test_values_that_can_not_be_merged_are_refused_and_not_repeated(
    name: str, first: Any, second: Any, expected: str
) -> None:
    texts = [json.dumps({"parameters": {name: value}}) for value in (first, second)]
    (problem,) = refused(texts[0][:-1] + ', "parameter_merge_strategies": {"default": "merge"}}', texts[1])

    assert problem.code == Code.INVALID_ENVIRONMENT
    assert problem.summary.endswith(expected)
    assert "secret" not in problem.summary


def test_all_problems_are_told() -> None:
    ask = "parameter_merge_strategies: {default: merge}"
    problems = refused(f"parameters: {{b: true, n: 1}}\n{ask}", "parameters: {b: false, n: x}", "parameters: {b: 1}")

    assert [(one.source, one.where()) for one in problems] == [
        ("2", "environment.parameters.b"),
        ("2", "environment.parameters.n"),
        ("3", "environment.parameters.b"),
    ]


def test_parameters_that_no_template_knows_are_kept_to_be_reported() -> None:
    ask = "parameter_merge_strategies: {default: merge}"

    assert merged("parameters: {s: a}", f"parameters: {{t: a}}\n{ask}", "parameters: {t: b}").parameters == {
        "s": "a",
        "t": "b",
    }


def test_registries_are_merged_entry_by_entry_and_resources_as_a_whole() -> None:
    first = "resource_registry: {A: x, B: y, resources: {a: {A: 1.yaml}, b: {hooks: pre-create}}}"
    second = "resource_registry: {A: z, B: null, resources: {c: {A: 3.yaml}}}"
    third = "resource_registry: {resources: null}"

    assert merged(first, second, third).resource_registry == {
        "A": "z",
        "B": "y",
        "resources": {"c": {"A": "3.yaml"}},
    }


def test_sinks_and_names_are_appended() -> None:
    found = merged(
        "{event_sinks: [{type: a}], encrypted_param_names: [s]}",
        "{event_sinks: [{type: b}, {type: a}], encrypted_param_names: [n, s]}",
    )

    assert found.event_sinks == ({"type": "a"}, {"type": "b"})
    assert found.encrypted_param_names == ("s", "n")


PLAIN = st.none() | st.integers() | st.text(max_size=2)
ENVIRONMENTS = st.builds(
    Environment,
    parameters=st.dictionaries(st.sampled_from("snx"), PLAIN),
    parameter_defaults=st.dictionaries(st.sampled_from("snx"), PLAIN),
    resource_registry=st.dictionaries(st.sampled_from(["A", "A1", "A*"]), st.sampled_from([None, "B", "x.yaml"])),
    event_sinks=st.lists(st.sampled_from([{"type": "a"}, {"type": "b"}])).map(tuple),
)


@given(ENVIRONMENTS, ENVIRONMENTS)
def test_merging_a_file_twice_is_merging_it_once(one: Environment, two: Environment) -> None:
    def files(*environments: Environment) -> Environment:
        named = [(str(number), found) for number, found in enumerate(environments)]
        return environment_files.merge_files(named, parameters={"s": "cli"}, types=TYPES)

    assert files(one, two, two).as_map() == files(one, two).as_map()


@given(st.lists(st.text(max_size=3).filter(bool), min_size=1, max_size=4))
def test_merging_strings_is_joining_them(values: list[str]) -> None:
    ask = {"parameter_merge_strategies": {"s": "merge"}}
    texts = [json.dumps({"parameters": {"s": value}, **ask}) for value in values]

    assert merged(*texts).parameters == {"s": "".join(values)}


def template(**types: str) -> str:
    found = {name: {"type": kind} for name, kind in types.items()}
    return json.dumps({"heat_template_version": "2021-04-16", "parameters": found})


def parsed(text: str) -> Template:
    return parse.parse(source.load(text))


def test_the_types_of_parameters_are_those_of_all_templates_and_the_last_wins() -> None:
    templates = [parsed(template(a="number", b="json")), parsed(template(a="string"))]

    assert environment_files.parameter_types(templates) == {"a": ParameterType.STRING, "b": ParameterType.JSON}


@pytest.mark.parametrize(
    ("strategies", "expected"),
    [({}, False), ({"a": "overwrite"}, False), ({"a": "merge"}, True), ({"default": "deep_merge"}, True)],
)
def test_types_matter_only_where_something_is_merged(strategies: dict[str, str], expected: bool) -> None:
    one = Environment(parameter_merge_strategies=strategies)

    assert environment_files.has_strategies([Environment(), one]) is expected
