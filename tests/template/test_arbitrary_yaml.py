"""Whatever a text says, it is read or refused with problems: nothing else comes out of the doors of this floor."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.errors import TemplateInvalid
from engine.model.problems import Problem
from engine.template import dialects, environment, parse, source, target
from engine.template.spelling import CFN_WORDS, HOT_WORDS
from kit.catalogue import CATALOGUE, PSEUDO

FUNCTIONS: Final = sorted({one.name for info in dialects.versions() for one in dialects.functions_of(info.version)})
CONDITIONALS: Final = ["equals", "not", "and", "or", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"]
PARAMETER_WORDS: Final = [
    "type",
    "default",
    "constraints",
    "hidden",
    "tags",
    "range",
    "length",
    "Type",
    "MinValue",
    "min",
]
HEADS: Final = [
    *({"heat_template_version": version} for version in ("2013-05-23", "2015-04-30", "pike", "2021-04-16")),
    {"HeatTemplateFormatVersion": "2012-12-12"},
    {"AWSTemplateFormatVersion": "2010-09-09"},
]
WORDS: Final = sorted(
    {getattr(words, name) for words in (HOT_WORDS, CFN_WORDS) for name in words.__slots__} | set(PARAMETER_WORDS)
)
KEYS: Final = st.one_of(
    st.sampled_from([*WORDS, *FUNCTIONS, *CONDITIONALS, "a", "b"]), st.text(max_size=3), st.integers(), st.none()
)
SCALARS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["a", "b", "Test::Thing", "string", "json", "1", "AWS::StackName", "inner.yaml", "$.data"]),
)
TREES: Final = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.tuples(st.sampled_from([*FUNCTIONS, *CONDITIONALS]), inner).map(lambda pair: {pair[0]: pair[1]}),
    ),
    max_leaves=25,
)
SECTIONS: Final = st.dictionaries(st.sampled_from(WORDS), TREES, max_size=5)
ENTRIES: Final = st.dictionaries(st.sampled_from(WORDS), TREES, max_size=4)


def problems_of(text: str, **inputs: Any) -> tuple[Problem, ...] | None:
    """Go the whole way of a text, and return what is wrong with it; None: nothing. Any other exception escapes."""
    about = {"environment": environment.EMPTY, "catalogue": CATALOGUE, "pseudo": PSEUDO, **inputs}
    try:
        built = target.build(parse.parse(source.load(text)), **about)
    except TemplateInvalid as error:
        return error.problems
    target.evaluate_outputs(built, {})
    return None


def read(text: str, **inputs: Any) -> None:
    problems = problems_of(text, **inputs)

    assert problems is None or (problems and all(problem.summary for problem in problems))


@given(st.text(max_size=200))
@example("\ud800")
@example("{heat_template_version: pike, 1e999: 1}")
@example("? [a]\n: b")
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(st.sampled_from(HEADS), SECTIONS, st.booleans())
def test_any_yaml_is_read_or_refused(head: dict[str, str], sections: dict[str, Any], strict: bool) -> None:
    read(yaml.safe_dump({**head, **sections}), strict=strict, files={"inner.yaml": "heat_template_version: pike"})


@given(st.sampled_from(HEADS), ENTRIES, ENTRIES, ENTRIES, TREES)
def test_any_resources_are_read_or_refused(
    head: dict[str, str], one: dict[str, Any], parameter: dict[str, Any], output: dict[str, Any], condition: Any
) -> None:
    words = HOT_WORDS if "heat_template_version" in head else CFN_WORDS
    sections = {
        words.parameters: {"p": {words.type: "string" if words is HOT_WORDS else "String", **parameter}},
        words.conditions: {"c": condition},
        words.resources: {"a": {words.type: "Test::Thing", **one}, "b": {words.type: "Test::Anything"}},
        words.outputs: {"o": {words.value: 1, **output}},
    }
    read(yaml.safe_dump({**head, **sections}))


@given(st.dictionaries(st.sampled_from([*environment.EMPTY.as_map(), "resource_registry", "event_sinks", "x"]), TREES))
def test_any_environment_is_read_or_refused(sections: dict[str, Any]) -> None:
    with contextlib.suppress(TemplateInvalid):
        environment.read(yaml.safe_dump(sections))


TEN_MISTAKES: Final = """\
heat_template_version: 2018-08-31
parametres: {}
parameters:
  size: {type: numbre}
  name: {type: string, constraints: [{length: {min: a}}]}
conditions:
  odd: {equals: [1]}
resources:
  a:
    type: Test::Thing
    propertys: {}
  b:
    type: Test::Thing
    properties: {size: 99}
  c:
    type: Test::Nothing
  d:
    type: Test::Thing
    depends_on: nobody
    properties: {name: {get_attr: [a, vallue]}, tags: {list_join: x}}
"""


def test_ten_mistakes_are_told_as_ten_each_with_path_and_line() -> None:
    given = environment.from_map({"parameters": {"name": "n"}})
    found = [(one.line, one.where()) for one in problems_of(TEN_MISTAKES, environment=given) or ()]

    assert found == [
        (2, "parametres"),
        (4, "parameters.size.type"),
        (5, "parameters.name.constraints[0].length"),
        (7, "conditions.odd.equals"),
        (11, "resources.a.propertys"),
        (14, "resources.b.properties.size"),
        (16, "resources.c.type"),
        (19, "resources.d.depends_on"),
        (20, "resources.d.properties.tags.list_join"),
        (20, "resources.d.properties.name.get_attr"),
    ]


def test_json_is_read_like_yaml_with_its_lines() -> None:
    text = json.dumps({"heat_template_version": "pike", "resources": {"a": {"type": "Test::Nothing"}}}, indent=1)
    (problem,) = problems_of(text) or ()

    assert (problem.line, problem.where()) == (5, "resources.a.type")
