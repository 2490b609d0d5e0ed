from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.template import source
from engine.template.source import Limits


def problem_of(text: str, **options: Any) -> str:
    with pytest.raises(TemplateInvalid) as caught:
        source.load(text, **options)

    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2013-05-23", "2013-05-23", id="a date is text"),
        pytest.param("2015-01-01 10:00:00", "2015-01-01 10:00:00", id="a time is text"),
        pytest.param("0123", 83, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("-0b101", -5, id="binary"),
        pytest.param("1:30", 90, id="base 60"),
        pytest.param("-1:30.5", -90.5, id="base 60 with a fraction"),
        pytest.param("1_000", 1000, id="underscores"),
        pytest.param("1.5e+3", 1500.0, id="an exponent"),
        pytest.param("1e3", "1e3", id="an exponent without sign and point is text"),
        pytest.param("on", True, id="on"),
        pytest.param("No", False, id="no in any case"),
        pytest.param("~", None, id="a tilde"),
        pytest.param("'5'", "5", id="quoted"),
        pytest.param("!!str 5", "5", id="tagged as text"),
        pytest.param("!!int '5'", 5, id="tagged as a number"),
        pytest.param("=", "=", id="an equals sign"),
        pytest.param("<<", "<<", id="a merge sign that merges nothing"),
        pytest.param("|\n  a\n  b\n", "a\nb\n", id="a block"),
    ],
)
def test_a_scalar_means(text: str, expected: Any) -> None:
    found = source.load(f"k: {text}").data["k"]

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\na: 2", {"a": 2}, id="a key given twice counts as given last"),
        pytest.param("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}, id="an alias"),
        pytest.param(
            "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}",
            {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}},
            id="a merge gives way to the map's own",
        ),
        pytest.param(
            "a: [&x {p: 1}, &y {p: 2, q: 2}]\nd: {<<: [*x, *y]}",
            {"a": [{"p": 1}, {"p": 2, "q": 2}], "d": {"p": 1, "q": 2}},
            id="of several merges the first wins",
        ),
        pytest.param("a:\tb", {"a": "b"}, id="a tab that separates"),
        pytest.param("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}, id="a byte order mark and CRLF"),
        pytest.param("", {}, id="nothing"),
        pytest.param("# only a comment", {}, id="a comment"),
        pytest.param('{"a": 1e3, "b": "\\ud83d\\ude00", "c": "\\/"}', {"a": 1000.0, "b": "😀", "c": "/"}, id="JSON"),
        pytest.param('{"a": yes,}', {"a": True}, id="nearly JSON is YAML"),
        pytest.param('{"a": "0123", "b": 10, "b": 11}', {"a": "0123", "b": 11}, id="JSON numbers"),
        pytest.param("2: a\ntrue: b", {2: "a", True: "b"}, id="keys that are no text"),
    ],
)
def test_a_text_means(text: str, expected: Any) -> None:
    assert source.load(text).data == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: [1", "line 2: column 4: the text is not YAML", id="syntax"),
        pytest.param("a: b: c", "line 1: column 5: the text is not YAML", id="two colons"),
        pytest.param("a:\n\tb: 1", "line 2: column 1: the text is not YAML", id="a tab that indents"),
        pytest.param("a: b\nc: \x00", "line 2: column 4: the text holds U+0000", id="NUL"),
        pytest.param("a: \x07", "line 1: column 4: the text holds U+0007", id="a control character"),
        pytest.param("a: \ud800", "line 1: column 4: the text holds U+D800", id="half a surrogate pair"),
        pytest.param("a: 1\n---\nb: 2", "line 2: a second document begins", id="two documents"),
        pytest.param("- a", "the text is a list; it has to be a map", id="a list"),
        pytest.param("abc", "the text is a string; it has to be a map", id="a word"),
        pytest.param("a: !foo x", "line 1: the tag !foo is not supported", id="a tag of one's own"),
        pytest.param("a: !!binary aGk=", "line 1: the tag tag:yaml.org,2002:binary", id="bytes"),
        pytest.param("a: !!python/object:os.system x", "is not supported", id="an object of Python"),
        pytest.param("a: !!set {x}", "is not supported", id="a set"),
        pytest.param("a: !!int x", "is not of its tag", id="a tag that is not true"),
        pytest.param("a: 1\nb: .inf", "line 2: .inf is not a finite number", id="infinity"),
        pytest.param("a: .NaN", "is not a finite number", id="not a number"),
        pytest.param("a: 1.0e+400", "is not a finite number", id="a number beyond all"),
        pytest.param("a: " + "9" * 1_500, "a number of 1500 digits", id="a number that can't be printed"),
        pytest.param("a: " + "59:" * 300 + "1.5", "is not a finite number", id="a number in base 60 beyond all"),
        pytest.param("[a]: 1", "line 1: a map or list can't be a key", id="a list as a key"),
        pytest.param("a: *b", "the alias *b refers to no anchor", id="an alias of nothing"),
        pytest.param("a: &a [*a]", "stands inside what it refers to", id="an alias of itself"),
        pytest.param("<<: 5", "<< merges maps only", id="a merge of a number"),
    ],
)
def test_a_text_is_refused_with_its_line(text: str, expected: str) -> None:
    assert expected in problem_of(text)


DEEP = 10_000
ALIASES = "\n".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
MERGES = "\n".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}], x{i}: 1}}" for i in range(1, 12))
CHAIN = "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 2_000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[" * DEEP, "deep inside each other", id="deep in flow style"),
        pytest.param("{a: " * DEEP, "deep inside each other", id="deep maps in flow style"),
        pytest.param("- " * DEEP, "deep inside each other", id="deep in block style"),
        pytest.param("\n".join(" " * i + "a:" for i in range(1_000)), "deep inside", id="deep by indentation"),
        pytest.param('{"a": ' * DEEP, "deep inside each other", id="deep in JSON style"),
        pytest.param('{"a": ' * 200 + "1" + "}" * 200, "deep inside each other", id="deep in good JSON"),
        pytest.param("? " * DEEP, "can't be a key", id="deep keys"),
        pytest.param("a0: &a0 [x]\n" + ALIASES, "more than 200000 values", id="alias bomb"),
        pytest.param("a0: &a0 {x: 1}\n" + MERGES, "more than 200000 values", id="merge bomb"),
        pytest.param("a0: &a0 [x]\n" + CHAIN, "deep inside each other", id="deep by aliases"),
        pytest.param("a: [" + "[]," * 50_000 + "]", None, id="many values"),
        pytest.param("a: '" + "x" * 500_000 + "'", None, id="a long string"),
        pytest.param("? a\n" * 100_000, "more than 200000 values", id="one key ever again"),
    ],
)
def test_a_hostile_text_costs_little_memory(text: str, expected: str | None) -> None:
    tracemalloc.start()
    try:
        if expected is None:
            source.load(text)
        else:
            assert expected in problem_of(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 60_000_000


def test_a_text_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(EngineError) as caught:
        source.load("a: '" + "x" * 1_000_000)

    assert caught.value.code is Code.REQUEST_LIMIT_EXCEEDED
    assert "1000004 characters" in caught.value.message


def test_the_limits_can_be_chosen() -> None:
    assert "more than 2 deep" in problem_of("a: {b: {c: 1}}", limits=Limits(max_depth=2))
    assert "more than 3 values" in problem_of("a: [1, 2]", limits=Limits(max_nodes=3))


TEXT = """\
heat_template_version: rocky
resources:
  a:
    type: T
    properties:
      list:
        - x
        - y: 1
          z: [1,
              2]
  b: {type: T}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("resources",), 2),
        (("resources", "a", "type"), 4),
        (("resources", "a", "properties", "list", 0), 7),
        (("resources", "a", "properties", "list", 1), 8),
        (("resources", "a", "properties", "list", 1, "z"), 9),
        (("resources", "a", "properties", "list", 1, "z", 1), 10),
        (("resources", "b", "properties", "size"), 11),
        (("resources", "a", "properties", "list", 9), 6),
        (("outputs",), None),
        ((), None),
    ],
)
def test_a_path_has_the_line_of_the_nearest_thing(path: tuple[str | int, ...], line: int | None) -> None:
    assert source.load(TEXT).line(path) == line


def test_json_has_lines_too() -> None:
    document = source.load('{"resources":\n  {"a":\n    {"type": "T"}}}')

    assert document.line(("resources", "a", "type")) == 3


def test_json_that_the_yaml_reader_can_not_follow_loses_its_lines_only() -> None:
    document = source.load('{"a": "\\ud83d\\ude00"}')

    assert document.data == {"a": "😀"}
    assert document.line(("a",)) is None


def test_a_problem_names_the_file() -> None:
    assert problem_of("- a", name="child.yaml").startswith("child.yaml: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_json_comes_back_as_it_was_written(data: dict[str, Any]) -> None:
    assert source.load(json.dumps(data)).data == data


@given(st.dictionaries(st.text("ab.-:1"), JSON))
def test_yaml_comes_back_as_it_was_written(data: dict[str, Any]) -> None:
    assert source.load(yaml.safe_dump(data)).data == data


FRAGMENTS = st.sampled_from(
    "a;b: ;- ;\n;  ;{;};[;];,;: ;&x ;*x;<<: ;!!int ;';\";#;? ;|;1;~;yes;---;%;\t;\x00;é;.inf;0x;!;@".split(";")  # noqa: SIM905
)


@given(st.lists(FRAGMENTS, max_size=30).map("".join) | st.text())
def test_any_text_is_a_map_or_a_refusal(text: str) -> None:
    try:
        document = source.load(text)
    except EngineError:
        return

    assert isinstance(document.data, dict)
