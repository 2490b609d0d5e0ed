from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.template import environment, registry, restrictions
from engine.template.environment import Environment


def nothing(_: str) -> bool:
    return False


def child_of(entries: Mapping[str, Any], resource: str = "web", type_name: str = "X", **rest: Any) -> Environment:
    outer = Environment(resource_registry=entries, **rest)
    return child(outer, resource, type_name, p=1)


def child(outer: Environment, resource: str, type_name: str, **parameters: Any) -> Environment:
    search = registry.search_of(outer, is_known=nothing)
    return environment.child_environment(outer, resource, type_name, parameters, search=search)


def test_the_environment_inside_a_nested_stack() -> None:
    inner = child_of(
        {"X": "x.yaml", "Y": "y.yaml"},
        parameters={"outer": 1},
        parameter_defaults={"d": 1},
        event_sinks=[{"type": "a"}],
        parameter_merge_strategies={"outer": "merge"},
        encrypted_param_names=["outer"],
    )

    assert inner == Environment(
        parameters={"p": 1},
        parameter_defaults={"d": 1},
        resource_registry={"Y": "y.yaml"},
        event_sinks=[{"type": "a"}],
    )


@pytest.mark.parametrize(
    ("entries", "type_name", "expected"),
    [
        pytest.param({"X": "x.yaml"}, "X", {}, id="the entry"),
        pytest.param({"A": "B", "B": "x.yaml"}, "A", {"A": "B"}, id="the last of aliases"),
        pytest.param({"A::*": "B::*", "B::1": "x.yaml"}, "A::1", {"A::*": "B::*"}, id="behind a wildcard"),
        pytest.param({"X*": "x.yaml", "Y": "y.yaml"}, "X1", {"Y": "y.yaml"}, id="a wildcard"),
        pytest.param({"X": "Y", "Y": "Z"}, "X", {"X": "Y", "Y": "Z"}, id="no template"),
        pytest.param({"x.yaml": "y.yaml"}, "x.yaml", {"x.yaml": "y.yaml"}, id="a type that is a file"),
        pytest.param({"X": "Y", "Y": "X"}, "X", {"X": "Y", "Y": "X"}, id="a circle"),
        pytest.param(
            {"X": "x.yaml", "resources": {"web": {"X": "own.yaml"}}}, "X", {"X": "x.yaml"}, id="the entry of a resource"
        ),
    ],
)
def test_the_entry_that_made_it_a_template_is_not_inside(
    entries: Mapping[str, Any], type_name: str, expected: Mapping[str, Any]
) -> None:
    assert child_of(entries, type_name=type_name).resource_registry == expected


def test_a_template_can_be_made_with_the_type_that_it_implements() -> None:
    outer = Environment(resource_registry={"Real": "x.yaml"})
    inner = child(outer, "web", "Real")

    searches = [registry.search_of(one, is_known={"Real"}.__contains__) for one in (outer, inner)]
    assert [registry.resolve_type(search, "web", "Real") for search in searches] == ["x.yaml", "Real"]


def test_a_registered_type_keeps_its_template_entries_where_types_are_known() -> None:
    outer = Environment(resource_registry={"A": "Group", "A*": "G", "G": "x.yaml"})
    search = registry.search_of(outer, is_known={"Group"}.__contains__)

    assert environment.child_environment(outer, "web", "A", {}, search=search).resource_registry == {
        "A": "Group",
        "A*": "G",
        "G": "x.yaml",
    }


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param({"web": {"in": {"A": "a"}}}, {"in": {"A": "a"}}, id="name"),
        pytest.param({"w*": {"in": {"A": "a"}}}, {"in": {"A": "a"}}, id="wildcard"),
        pytest.param({"db*": {"in": {"A": "a"}}}, {}, id="wildcard for others"),
        pytest.param({"W*": {"in": {"A": "a"}}}, {}, id="case counts"),
        pytest.param(
            {"web": {"in": {"A": "own"}}, "*": {"in": {"A": "glob"}, "more": {"B": "b"}}},
            {"in": {"A": "own"}, "more": {"B": "b"}},
            id="a name wins over wildcards, entry by entry",
        ),
        pytest.param(
            {"*": {"in": {"hooks": "pre-create"}}, "web": {"in": {"A": "own"}}},
            {"in": {"A": "own"}},
            id="and replaces them as a whole",
        ),
        pytest.param({"web": {"hooks": "pre-create", "A": "a"}}, {}, id="what is said of the resource itself"),
        pytest.param({"web": None}, {}, id="null"),
    ],
)
def test_entries_for_resources_are_drilled_down(entries: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert child_of({"resources": entries}).resource_registry.get("resources", {}) == expected


def test_the_environment_of_a_child_can_be_stored() -> None:
    inner = child_of({"X": "x.yaml", "resources": {"w*": {"T": "t", "hooks": "pre-create", "in": {"hooks": []}}}})

    assert environment.from_map(inner.as_map()).resource_registry == {"resources": {"in": {"hooks": []}}}


WEB = {
    "web": {"hooks": "pre-create"},
    "w*": {"hooks": ["post-create", "pre-create"], "restricted_actions": "update"},
    "*_old": {"restricted_actions": ["update", "replace"]},
    "W*": {"hooks": "pre-delete"},
    "*b": {"hooks": None, "restricted_actions": []},
    "x": None,
    "a[1]": {"hooks": "pre-update"},
    "deep": {"*": {"*": {"hooks": "pre-delete", "restricted_actions": "replace"}}},
}


@pytest.mark.parametrize(
    ("resource", "hooks", "restricted"),
    [
        pytest.param("web", {"pre-create", "post-create"}, {"update"}, id="all that match count together"),
        pytest.param("web_old", {"pre-create", "post-create"}, {"update", "replace"}, id="several wildcards"),
        pytest.param("WEB", {"pre-delete"}, set(), id="case counts"),
        pytest.param("x", set(), set(), id="null"),
        pytest.param("a[1]", {"pre-update"}, set(), id="a name with brackets is meant as it is written"),
        pytest.param("a1", {"pre-update"}, set(), id="and as a pattern"),
        pytest.param("deep", set(), set(), id="those inside are not meant"),
    ],
)
def test_hooks_and_restricted_actions(resource: str, hooks: set[str], restricted: set[str]) -> None:
    one = Environment(resource_registry={"resources": WEB})

    assert restrictions.hooks_of(one, resource) == hooks
    assert restrictions.restricted_actions_of(one, resource) == restricted


def test_hooks_reach_resources_of_nested_stacks_by_wildcards_at_each_level() -> None:
    outer = Environment(resource_registry={"resources": WEB})
    middle = child(outer, "deep", "X")
    inner = child(middle, "any", "X")

    assert restrictions.hooks_of(middle, "any") == set()
    assert restrictions.hooks_of(inner, "thing") == {"pre-delete"}
    assert restrictions.restricted_actions_of(inner, "thing") == {"replace"}


def test_nothing_is_said_of_resources_by_an_empty_environment() -> None:
    assert restrictions.hooks_of(environment.EMPTY, "web") == frozenset()
