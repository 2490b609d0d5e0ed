from __future__ import annotations

import json
from operator import or_
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Problem
from engine.schema.properties import integer, string
from engine.template import environment, environment_check
from engine.template.environment import Environment

QUEUE = {"zaqar-queue": {"target": string("Where to.", required=True), "ttl": integer("For how long.")}}


def problems_of(text: str, **options: Any) -> list[Problem]:
    with pytest.raises(TemplateInvalid) as caught:
        environment.read(text, source="env.yaml", **options)
    return list(caught.value.problems)


def test_a_text_is_read() -> None:
    found = environment.read("parameters: {a: 1}\nparameter_defaults: {b: 2}\nresource_registry: {A: B}")

    assert (found.parameters, found.parameter_defaults, found.resource_registry) == ({"a": 1}, {"b": 2}, {"A": "B"})


def test_every_section_is_read() -> None:
    text = """
        event_sinks: [{type: zaqar-queue, target: q}]
        parameter_merge_strategies: {a: merge, default: deep_merge}
        encrypted_param_names: [a]
        resource_registry:
          resources:
            web: {hooks: pre-create, restricted_actions: [update, replace], 1: {2: {hooks: []}}}
            gone: null
    """
    found = environment.read(text, sinks=QUEUE)

    assert found.event_sinks == ({"type": "zaqar-queue", "target": "q"},)
    assert found.parameter_merge_strategies == {"a": "merge", "default": "deep_merge"}
    assert found.encrypted_param_names == ("a",)
    assert found.resource_registry["resources"]["web"] == {
        "hooks": "pre-create",
        "restricted_actions": ["update", "replace"],
        "1": {"2": {"hooks": []}},
    }


def test_a_text_of_json_may_write_characters_as_programs_do() -> None:
    assert environment.read('{"parameters": {"a": "\\ud83d\\ude00"}}').parameters == {"a": "\U0001f600"}
    assert "is not YAML" in problems_of('{"parameters": {"a": "\\ud83d"}}')[0].summary
    assert "is not YAML" in problems_of('{"parameters": {"a": "')[0].summary


def test_nothing_is_an_empty_environment() -> None:
    assert environment.read("") == environment.EMPTY


HOOKS = "resource_registry.resources.a.hooks"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param("parameters:", "parameters", "is empty; leave it out, or write {}", id="null"),
        pytest.param("event_sinks:", "event_sinks", "is empty; leave it out, or write []", id="null for a list"),
        pytest.param("parameter: {}", "parameter", "did you mean parameters", id="section"),
        pytest.param("foo: {}", "foo", "is not a section", id="strange section"),
        pytest.param("parameters: [a]", "parameters", "has to be a map", id="list"),
        pytest.param("event_sinks: {}", "event_sinks", "has to be a list", id="map"),
        pytest.param("event_sinks: [x]", "event_sinks[0]", "has to be a map with its type", id="sink"),
        pytest.param("event_sinks: [{}]", "event_sinks[0]", "this one has none", id="sink without type"),
        pytest.param("event_sinks: [{type: 1}]", "event_sinks[0].type", "has to be a string", id="type of a sink"),
        pytest.param(
            "event_sinks: [{type: post}]",
            "event_sinks[0].type",
            'no sink of type "post" is known to this engine; there are none',
            id="sinks",
        ),
        pytest.param("encrypted_param_names: [1]", "encrypted_param_names[0]", "has to be a string", id="names"),
        pytest.param("resource_registry: {A: [b]}", "resource_registry.A", "maps the name of a type", id="entry"),
        pytest.param("resource_registry: {1: [b]}", "resource_registry[1]", "maps the name of a type", id="number"),
        pytest.param(
            "resource_registry: {hooks: x}", "resource_registry.hooks", "set for resources", id="hooks astray"
        ),
        pytest.param("resource_registry: {resources: x}", "resource_registry.resources", "have to be", id="resources"),
        pytest.param(
            "resource_registry: {resources: {a: x}}", "resource_registry.resources.a", "have to be a map", id="resource"
        ),
        pytest.param(
            "resource_registry: {resources: {a: {b: {T: 1}}}}",
            "resource_registry.resources.a.b.T",
            "has to be a name, null or a map, and is a number",
            id="entry of a resource",
        ),
        pytest.param("a: [", "", "not YAML", id="syntax"),
        pytest.param("- a", "", "has to be a map", id="no map"),
    ],
)
def test_an_environment_is_refused(text: str, path: str, expected: str) -> None:
    (problem,) = problems_of(text)

    assert problem.where() == ".".join(filter(None, ("environment", path))).replace(".[", "[")
    assert expected in problem.summary
    assert problem.code == Code.INVALID_ENVIRONMENT
    assert problem.source == "env.yaml"


@pytest.mark.parametrize(
    ("value", "place", "shown"),
    [
        pytest.param("bogus", HOOKS, '"bogus"', id="name"),
        pytest.param("[pre-create, bogus]", f"{HOOKS}[1]", '"bogus"', id="list"),
        pytest.param("1", HOOKS, "1", id="number"),
        pytest.param("{pre-create: 1}", HOOKS, '{"pre-create": 1}', id="map"),
    ],
)
def test_a_hook_that_there_is_not_is_refused(value: str, place: str, shown: str) -> None:
    (problem,) = problems_of(f"resource_registry: {{resources: {{a: {{hooks: {value}}}}}}}")

    assert problem.where() == f"environment.{place}"
    assert problem.code == Code.INVALID_BREAKPOINT_HOOK
    assert problem.summary.startswith(f"{shown} is not a hook; known: pre-create, pre-update, pre-delete, post-create")


def test_an_action_that_can_not_be_restricted_is_refused() -> None:
    (problem,) = problems_of("resource_registry: {resources: {a: {restricted_actions: delete}}}")

    assert problem.where() == "environment.resource_registry.resources.a.restricted_actions"
    assert problem.code == Code.INVALID_RESTRICTED_ACTION
    assert problem.summary == '"delete" is not an action that can be restricted; known: update, replace'


@pytest.mark.parametrize("value", ["deep", "null", "[merge]", "1"])
def test_a_strategy_that_there_is_not_is_refused(value: str) -> None:
    (problem,) = problems_of(f"parameter_merge_strategies: {{a: {value}}}")

    assert problem.where() == "environment.parameter_merge_strategies.a"
    assert problem.code == Code.INVALID_MERGE_STRATEGY
    assert "known: overwrite, merge, deep_merge" in problem.summary


def test_all_problems_are_told_with_their_lines() -> None:
    text = "parameters:\nfoo: {}\nresource_registry:\n  A: B\n  resources:\n    a:\n      hooks:\n      - never\n"

    assert [(problem.line, problem.where()) for problem in problems_of(text)] == [
        (1, "environment.parameters"),
        (2, "environment.foo"),
        (8, "environment.resource_registry.resources.a.hooks[0]"),
    ]


def test_sinks_are_checked_when_they_come_and_not_again() -> None:
    text = "event_sinks: [{type: post}]"
    known = environment.read(text, sinks={"post": {}})

    assert "known: pots" in problems_of(text, sinks={"pots and pans": {}})[0].summary
    assert environment.from_map(known.as_map()) == known


def test_the_arguments_of_sinks_are_checked_with_their_lines() -> None:
    text = "event_sinks:\n- type: zaqar-queue\n  ttl: long\n  tttl: 1\n- type: zaqar-queue\n  target: q\n"

    assert [(one.line, one.where(), one.summary) for one in problems_of(text, sinks=QUEUE)] == [
        (4, "environment.event_sinks[0].tttl", 'there is no property "tttl"; did you mean ttl?'),
        (2, "environment.event_sinks[0]", 'the property "target" is required, but not given'),
        (3, "environment.event_sinks[0].ttl", '"long" is not an integer'),
    ]
    assert {one.code for one in problems_of(text, sinks=QUEUE)} == {Code.INVALID_ENVIRONMENT}


def test_an_environment_names_no_more_sinks_than_some() -> None:
    most = environment_check.MOST_SINKS
    sinks = [{"type": "post"}] * (most + 1)

    assert len(environment.read(json.dumps({"event_sinks": sinks[1:]}), sinks={"post": {}}).event_sinks) == most
    (problem,) = problems_of(json.dumps({"event_sinks": sinks}), sinks={"post": {}})
    assert (problem.where(), problem.summary) == (
        "environment.event_sinks",
        f"at most {most} sinks are allowed, and there are {most + 1}",
    )
    assert len(environment.from_map({"event_sinks": sinks}).event_sinks) == most + 1


NAMES = st.sampled_from("abc")
VALUES = st.dictionaries(NAMES, st.none() | st.integers() | st.text(max_size=2))
TYPES = st.sampled_from(["A", "A1", "B"])
NULLS = st.dictionaries(st.sampled_from(["A*", "*"]), st.none())  # a wildcard that is null here is no alias there
TARGETS = st.sampled_from(["B", "x.yaml"])
ALIASES = st.builds(or_, st.dictionaries(TYPES, st.none() | TARGETS), st.dictionaries(st.just("B*"), TARGETS))
ENTRIES = st.builds(or_, NULLS, ALIASES) | st.builds(or_, ALIASES, NULLS)
RESOURCES = st.dictionaries(NAMES, st.dictionaries(TYPES, st.sampled_from(["B", "x.yaml"])))
REGISTRIES = st.builds(lambda entries, inner: entries | ({"resources": inner} if inner else {}), ENTRIES, RESOURCES)
ENVIRONMENTS = st.builds(
    Environment,
    parameters=VALUES,
    parameter_defaults=VALUES,
    resource_registry=REGISTRIES,
    event_sinks=st.lists(st.sampled_from([{"type": "a"}, {"type": "b"}])).map(tuple),
)


@given(ENVIRONMENTS)
def test_an_environment_comes_back_from_its_map(one: Environment) -> None:
    stored = environment.from_map(one.as_map())

    assert environment.from_map(stored.as_map()) == stored
    assert stored.parameters == one.parameters
    assert stored.event_sinks == one.event_sinks


@given(ENVIRONMENTS, ENVIRONMENTS, ENVIRONMENTS)
def test_laying_over_does_not_depend_on_grouping(a: Environment, b: Environment, c: Environment) -> None:
    left = environment.overlay(environment.overlay(a, b), c)
    right = environment.overlay(a, environment.overlay(b, c))

    assert left.as_map() == right.as_map()


@given(ENVIRONMENTS)
def test_laying_over_nothing_twice_changes_nothing(one: Environment) -> None:
    once = environment.overlay(environment.EMPTY, one)

    assert environment.overlay(once, one).as_map() == once.as_map()


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        pytest.param({"A": "x"}, {"B": "y"}, {"A": "x", "B": "y"}, id="entries come together"),
        pytest.param({"A": "x"}, {"A": "y"}, {"A": "y"}, id="the upper one wins"),
        pytest.param({"A": "x", "B": "y"}, {"A": None}, {"B": "y"}, id="null takes away"),
        pytest.param({"A1": "x", "A2": "y", "B": "z"}, {"A*": None}, {"B": "z"}, id="null takes a prefix away"),
        pytest.param({"A1": "x"}, {"A*": None, "A1": "y"}, {"A1": "y"}, id="after a null it is there again"),
        pytest.param({}, {"A1": "x", "A*": None}, {}, id="before a null it is not"),
        pytest.param({"A*": "B*"}, {"A*": None}, {}, id="null takes a wildcard away"),
        pytest.param(
            {"resources": {"a": {"A": "x", "hooks": "pre-create"}}},
            {"resources": {"a": {"A": "y"}, "b": {"A": "z"}}},
            {"resources": {"a": {"A": "y", "hooks": "pre-create"}, "b": {"A": "z"}}},
            id="entries for resources come together",
        ),
        pytest.param(
            {"resources": {"a": {"A": "x", "hooks": "pre-create"}, "b": {"A": "x"}}},
            {"resources": {"a": {"*": None}, "b": None}},
            {"resources": {"a": {"hooks": "pre-create"}}},
            id="null for resources",
        ),
        pytest.param({"resources": {"a": {"A": "x"}}}, {"resources": None}, {"resources": {"a": {"A": "x"}}}, id="all"),
    ],
)
def test_registries_are_laid_over_each_other(
    below: dict[str, Any], above: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = environment.overlay(Environment(resource_registry=below), Environment(resource_registry=above))

    assert found.as_map().get("resource_registry", {}) == expected


def test_sinks_are_appended_once() -> None:
    one, two = {"type": "a", "target": "1"}, {"type": "a", "target": "2"}
    found = environment.overlay(Environment(event_sinks=[one]), Environment(event_sinks=[two, one]))

    assert found.event_sinks == (one, two)


def test_request_parameters_win_over_an_environment_and_null_does_not() -> None:
    one = Environment(parameters={"s": "env", "t": "env"})

    assert environment.with_parameters(one, {"s": "cli", "t": None}).parameters == {"s": "cli", "t": "env"}


def test_an_environment_does_not_show_in_logs() -> None:
    assert "secret" not in repr(Environment(parameters={"password": "secret"}))
