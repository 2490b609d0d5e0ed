from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.records import Definition
from engine.schema.properties import string
from engine.template.source import Limits
from engine.usecases.commands import Given
from engine.usecases.definitions import Definitions
from kit import catalogue

IDS = itertools.count()
SINKS = {"post": {"to": string("Where to.")}}
DEFINITIONS = Definitions(lambda: f"id-{next(IDS)}", catalogue.parsed, SINKS)


def template(**types: str) -> str:
    found = {name: {"type": kind} for name, kind in types.items()}
    return json.dumps({"heat_template_version": "2021-04-16", "parameters": found})


TEMPLATE = template(s="string", n="number", b="boolean")


def of(text: str = TEMPLATE, **given: Any) -> Definition:
    return DEFINITIONS.of(Given(text, **given))


def of_files(*texts: str, text: str = TEMPLATE, **given: Any) -> Mapping[str, Any]:
    """Return the environment that is made of environment files called 1, 2, …"""
    files = {str(number): one for number, one in enumerate(texts, 1)}
    return of(text, files=files, environment_files=list(files), **given).environment


def problems_of(*texts: str, names: Sequence[str] = ()) -> list[tuple[str, str]]:
    files = {str(number): one for number, one in enumerate(texts, 1)}
    with pytest.raises(TemplateInvalid) as caught:
        of(files=files, environment_files=[*files, *names])
    return [(one.source, one.where()) for one in caught.value.problems]


def test_a_definition_has_an_id_of_its_own_and_what_was_given() -> None:
    one, two = (of(files={"a": "b"}, environment="parameters: {s: 1}", parameters={"n": 2}) for _ in range(2))

    assert one.id != two.id
    assert (one.template, one.files) == (TEMPLATE, {"a": "b"})
    assert one.environment == {"parameters": {"s": 1, "n": 2}}


def test_a_definition_has_a_template() -> None:
    with pytest.raises(EngineError, match="no template was given"):
        of("")


def test_what_null_removes_is_not_stored() -> None:
    found = of(environment="resource_registry: {A: x.yaml, B: y.yaml, A*: null, C: null}").environment

    assert found["resource_registry"] == {"B": "y.yaml"}


def test_a_sink_that_the_engine_knows_is_stored_and_another_is_refused() -> None:
    assert of(environment="event_sinks: [{type: post, to: x}]").environment["event_sinks"] == [
        {"type": "post", "to": "x"}
    ]
    with pytest.raises(TemplateInvalid, match="no sink of type"):
        of(environment="event_sinks: [{type: zaqar-queue}]")


def test_an_environment_is_not_read_when_there_are_files() -> None:
    assert of_files("parameters: {s: file}", environment="- wrong")["parameters"] == {"s": "file"}


def test_files_are_merged_by_the_types_of_the_template() -> None:
    ask = "parameter_merge_strategies: {default: merge}"
    first, second = f"parameters: {{s: 1, n: 1}}\n{ask}", "parameters: {s: 2, n: 2}"

    assert of_files(first, second, parameters={"s": 0})["parameters"] == {"s": "012", "n": 3}
    assert of_files(first, second, text="no template")["parameters"] == {"s": 2, "n": 2}


def test_files_that_are_no_templates_have_no_types_and_are_no_problem() -> None:
    ask = "parameter_merge_strategies: {default: merge}"
    found = DEFINITIONS.of(
        Given(
            "heat_template_version: 2021-04-16\nparameters: {s: {type: string}}",
            files={"e": f"{{parameters: {{s: a}}, {ask}}}", "old": '{"heat_template_version": "1999-01-01"}', "x": "["},
            environment_files=("e",),
        )
    )

    assert found.environment["parameters"] == {"s": "a"}


def test_files_are_merged_by_the_types_of_other_templates_too() -> None:
    ask = "parameter_merge_strategies: {default: merge}"
    texts = [f"parameter_defaults: {{inner: [a]}}\n{ask}", "parameter_defaults: {inner: [b]}"]
    files = {"1": texts[0], "2": texts[1], "inner.yaml": template(inner="comma_delimited_list")}

    assert of(files=files, environment_files=["1", "2"]).environment["parameter_defaults"] == {"inner": ["a", "b"]}


def test_the_strategies_are_not_stored() -> None:
    assert of_files("parameter_merge_strategies: {s: merge}") == {"parameters": {}}
    assert of(environment="parameter_merge_strategies: {s: merge}").environment == {"parameters": {}}


def test_problems_of_all_files_are_told() -> None:
    assert problems_of("parameters:", "parameters: {}", "foo: {}", names=["4"]) == [
        ("1", "environment.parameters"),
        ("3", "environment.foo"),
        ("", "environment_files.4"),
    ]


def test_a_file_that_is_not_there_is_told_with_a_name_that_is_near() -> None:
    with pytest.raises(TemplateInvalid, match=r"is not among the files of the request; did you mean env\.yaml\?") as e:
        of(files={"env.yaml": ""}, environment_files=["env.yml"])

    assert e.value.code is Code.INVALID_ENVIRONMENT


def test_a_strategy_that_does_not_go_with_a_type_is_refused() -> None:
    ask = "parameter_merge_strategies: {b: merge}"
    with pytest.raises(TemplateInvalid) as caught:
        of_files(f"parameters: {{b: true}}\n{ask}", "parameters: {b: true}")

    assert caught.value.code is Code.INVALID_MERGE_STRATEGY


def test_a_text_over_the_limit_is_refused() -> None:
    small = Definitions(lambda: "id", catalogue.parsed, limits=Limits(max_size=20))
    with pytest.raises(EngineError) as caught:
        small.of(Given(TEMPLATE, environment="parameters: {s: too long}"))

    assert caught.value.code is Code.REQUEST_LIMIT_EXCEEDED


def upon(stored: Definition, text: str = "", clear: Sequence[str] = (), **given: Any) -> Mapping[str, Any]:
    return DEFINITIONS.upon(stored, Given(text, **given), clear).environment


def test_what_is_given_is_laid_upon_what_is_stored() -> None:
    stored = of(
        environment="""
            parameters: {s: old, n: 1}
            parameter_defaults: {b: true}
            event_sinks: [{type: post}]
            resource_registry: {A: a.yaml, B: b.yaml, resources: {web: {hooks: pre-create}}}
        """
    )
    above = """
        parameters: {s: new}
        event_sinks: [{type: post}, {type: post, to: x}]
        resource_registry: {A: null, C: c.yaml, resources: {web: {restricted_actions: update}}}
    """

    assert upon(stored, environment=above) == {
        "parameters": {"s": "new", "n": 1},
        "parameter_defaults": {"b": True},
        "event_sinks": [{"type": "post"}, {"type": "post", "to": "x"}],
        "resource_registry": {
            "B": "b.yaml",
            "C": "c.yaml",
            "resources": {"web": {"hooks": "pre-create", "restricted_actions": "update"}},
        },
    }


def test_the_same_environment_again_changes_nothing() -> None:
    text = "{parameters: {s: a}, event_sinks: [{type: post}], resource_registry: {A: x.yaml, A*: null, B: y.yaml}}"
    stored = of(environment=text)

    assert upon(stored, environment=text) == stored.environment


def test_parameters_are_cleared() -> None:
    stored = of(parameters={"s": "old", "n": 1, "b": True})

    assert upon(stored, clear=["s", "n"], parameters={"n": 2})["parameters"] == {"b": True, "n": 2}


def test_stored_parameters_that_a_new_template_does_not_have_are_dropped_and_new_ones_are_not() -> None:
    stored = of(parameters={"s": "old", "n": 1})

    assert upon(stored, template(s="string"))["parameters"] == {"s": "old"}
    assert upon(stored, template(s="string"), parameters={"n": 2})["parameters"] == {"s": "old", "n": 2}


def test_a_new_template_that_is_none_drops_nothing() -> None:
    assert upon(of(parameters={"s": "old"}), "no template")["parameters"] == {"s": "old"}


def test_files_of_an_update_in_part_are_merged_by_the_types_of_what_is_stored() -> None:
    stored = of(template(s="string"), files={"inner.yaml": template(inner="number")})
    ask = "parameter_merge_strategies: {default: merge}"
    files = {"1": f"parameters: {{s: a}}\nparameter_defaults: {{inner: 1}}\n{ask}"}
    files["2"] = "{parameters: {s: b}, parameter_defaults: {inner: 2}}"

    assert upon(stored, files=files, environment_files=["1", "2"]) == {
        "parameters": {"s": "ab"},
        "parameter_defaults": {"inner": 3},
    }
