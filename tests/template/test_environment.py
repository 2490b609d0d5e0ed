from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.template import environment, registry
from engine.template.environment import Environment


def test_a_text_is_read() -> None:
    found = environment.read("parameters: {a: 1}\nparameter_defaults: {b: 2}\nresource_registry: {A: B}")

    assert (found.parameters, found.parameter_defaults, found.resource_registry) == ({"a": 1}, {"b": 2}, {"A": "B"})


def test_nothing_is_an_empty_environment() -> None:
    assert environment.read("") == environment.EMPTY


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param("parameters:", "environment.parameters", "is empty", id="null"),
        pytest.param("parameter: {}", "environment.parameter", "did you mean parameters", id="section"),
        pytest.param("parameters: [a]", "environment.parameters", "has to be a map", id="list"),
        pytest.param("event_sinks: {}", "environment.event_sinks", "has to be a list", id="map"),
        pytest.param("event_sinks: [x]", "environment.event_sinks", "not supported yet", id="sinks"),
        pytest.param(
            "parameter_merge_strategies: {a: merge}",
            "environment.parameter_merge_strategies",
            "not supported yet",
            id="strategies",
        ),
        pytest.param("resource_registry: {A: [b]}", "environment.resource_registry.A", "maps the name", id="entry"),
        pytest.param(
            "resource_registry: {resources: {a: {hooks: pre-create}}}",
            "environment.resource_registry.resources.a.hooks",
            "not supported yet",
            id="hooks",
        ),
        pytest.param(
            "resource_registry: {resources: x}", "environment.resource_registry.resources", "have to be", id="resources"
        ),
        pytest.param("a: [", "environment", "not YAML", id="syntax"),
        pytest.param("- a", "environment", "has to be a map", id="no map"),
    ],
)
def test_an_environment_is_refused(text: str, path: str, expected: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        environment.read(text, source="env.yaml")

    problem = caught.value.problems[0]
    assert problem.where() == path
    assert expected in problem.summary
    assert problem.code == Code.INVALID_ENVIRONMENT
    assert problem.source == "env.yaml"


NAMES = st.sampled_from("abc")
VALUES = st.dictionaries(NAMES, st.none() | st.integers() | st.text(max_size=2))
ENVIRONMENTS = st.builds(
    Environment,
    parameters=VALUES,
    parameter_defaults=VALUES,
    resource_registry=st.dictionaries(NAMES, st.none() | st.sampled_from(["b", "x.yaml"])),
)


@given(ENVIRONMENTS)
def test_an_environment_comes_back_from_its_map(one: Environment) -> None:
    assert environment.from_map(one.as_map()) == one


@given(ENVIRONMENTS, ENVIRONMENTS, ENVIRONMENTS)
def test_laying_over_does_not_depend_on_grouping(a: Environment, b: Environment, c: Environment) -> None:
    left = environment.overlay(environment.overlay(a, b), c)
    right = environment.overlay(a, environment.overlay(b, c))

    for section in ("parameters", "parameter_defaults", "resource_registry"):
        assert {k: v for k, v in getattr(left, section).items() if v is not None} == {
            k: v for k, v in getattr(right, section).items() if v is not None
        }


def test_request_parameters_win_over_one_environment_but_not_over_files() -> None:
    one = Environment(parameters={"s": "env", "t": "env"})
    two = Environment(parameters={"s": "file", "t": None})

    assert environment.merge([one], parameters={"s": "cli", "t": None}).parameters == {"s": "cli", "t": "env"}
    assert environment.merge_files([one, two], parameters={"s": "cli", "u": 1}).parameters == {
        "s": "file",
        "t": "env",
        "u": 1,
    }


def resolve(entries: Mapping[str, Any], type_name: str, resource: str = "web") -> str:
    known = {"Real::One", "Real::Two", "OS::Heat::None"}
    return registry.resolve_type(
        Environment(resource_registry=entries), resource, type_name, is_known=known.__contains__
    )


@pytest.mark.parametrize(
    ("entries", "type_name", "expected"),
    [
        pytest.param({}, "Real::One", "Real::One", id="nothing said"),
        pytest.param({"A": "Real::One"}, "A", "Real::One", id="alias"),
        pytest.param({"A": "B", "B": "Real::One"}, "A", "Real::One", id="alias of an alias"),
        pytest.param({"A": "x.yaml"}, "A", "x.yaml", id="template"),
        pytest.param({}, "x.template", "x.template", id="a type that is a file"),
        pytest.param({"My::*": "Real::*"}, "My::Two", "Real::Two", id="wildcard to wildcard"),
        pytest.param({"My::*": "OS::Heat::None"}, "My::Two", "OS::Heat::None", id="wildcard to one"),
        pytest.param({"*": "OS::Heat::None"}, "OS::Heat::None", "OS::Heat::None", id="a wildcard never hits its value"),
        pytest.param({"A*": "x.yaml", "A": "Real::One"}, "A", "Real::One", id="exact before wildcard"),
        pytest.param(
            {"A": "Nope", "A*": "Real::One"}, "A", "Real::One", id="an entry that leads nowhere is passed over"
        ),
        pytest.param({"Real::One": "Nope"}, "Real::One", "Real::One", id="an alias to nothing uses the real one"),
        pytest.param({"A": None}, "A", "A", id="null is no entry"),
        pytest.param({"A": "A"}, "A", "A", id="an alias of itself is no entry"),
        pytest.param({"resources": {"web": {"A": "Real::Two"}}, "A": "Real::One"}, "A", "Real::Two", id="one resource"),
        pytest.param({"resources": {"w*": {"A": "Real::Two"}}, "A": "Real::One"}, "A", "Real::One", id="no glob names"),
        pytest.param({"A": "n.json"}, "A", "A", id="another suffix is no template"),
    ],
)
def test_a_type_stands_for(entries: Mapping[str, Any], type_name: str, expected: str) -> None:
    assert resolve(entries, type_name) == expected


def test_aliases_in_a_circle_are_refused_by_name() -> None:
    with pytest.raises(EngineError, match="A → B → C → A"):
        resolve({"A": "B", "B": "C", "C": "A"}, "A")


def test_many_ways_that_lead_nowhere_are_each_walked_once() -> None:
    rungs = [f"T{n}-" for n in range(50)]
    ladder = dict(itertools.pairwise(rungs)) | {f"{a}*": b for a, b in zip(rungs, rungs[2:], strict=False)}

    assert resolve(ladder, "T0-") == "T0-"


def test_a_chain_of_aliases_without_end_in_sight_is_refused() -> None:
    with pytest.raises(EngineError, match="more than 50 entries"):
        resolve({f"T{n}": f"T{n + 1}" for n in range(5_000)}, "T0")


def test_the_environment_inside_a_nested_stack() -> None:
    outer = Environment(
        parameters={"outer": 1},
        parameter_defaults={"d": 1},
        resource_registry={
            "X": "x.yaml",
            "Y": "y.yaml",
            "resources": {
                "w*": {"inner": {"A": "glob"}, "other": {"B": "glob"}},
                "web": {"X": "own.yaml", "inner": {"A": "own"}},
                "db": {"inner": {"A": "db"}},
            },
        },
        encrypted_param_names=["outer"],
    )
    inner = environment.child_environment(outer, "web", "X", {"p": 1})

    assert inner.parameters == {"p": 1}
    assert inner.parameter_defaults == {"d": 1}
    assert inner.encrypted_param_names == ()
    assert inner.resource_registry == {
        "Y": "y.yaml",
        "resources": {"inner": {"A": "own"}, "other": {"B": "glob"}},
    }


def test_an_environment_does_not_show_in_logs() -> None:
    assert "secret" not in repr(Environment(parameters={"password": "secret"}))
