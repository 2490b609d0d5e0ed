from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
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
        pytest.param(f"{10**18 - 1}: a", {10**18 - 1: "a"}, id="a key as large as a number may be"),
        pytest.param("a: {<<: {b: 1, c: 2}, c: 3}\nd: {}", {"a": {"b": 1, "c": 3}, "d": {}}, id="a merge in place"),
        pytest.param('{"a": "x\x85y"}', {"a": "x\x85y"}, id="a character of JSON that YAML folds"),
        pytest.param("%TAG ! tag:x,2000:\n---\na: 1", {"a": 1}, id="a directive"),
        pytest.param("a: |\n  x\n" + "  %TAG\n" * 500, {"a": "x\n" + "%TAG\n" * 500}, id="what only looks like one"),
        pytest.param("a: {b:[1, {c:{d: x:y}}]}", {"a": {"b": [1, {"c": {"d": "x:y"}}]}}, id="no space after a colon"),
        pytest.param("\ufeffé: {ü:[1]}", {"é": {"ü": [1]}}, id="nor behind others than ASCII"),
        pytest.param("a: [b:, {c:}]", {"a": [{"b": None}, {"c": None}]}, id="nor before nothing"),
        pytest.param("a: '{b:[1]}'\nc: {d:[2]}", {"a": "{b:[1]}", "c": {"d": [2]}}, id="a colon in text stays"),
    ],
)
def test_a_text_means(text: str, expected: Any) -> None:
    assert source.load(text).data == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: [1", "line 2: column 4: the text is not YAML", id="syntax"),
        pytest.param("a: b: c", "line 1: column 5: the text is not YAML", id="two colons"),
        pytest.param("a: {b: c:, d: e}", "line 1: column 9: the text is not YAML", id="two colons in a flow map"),
        pytest.param("a: {b:?}", "line 1: column 6: the text is not YAML", id="a colon and a question mark"),
        pytest.param("a: {b:[1],\nc: [2}", "line 2: column 6: the text is not YAML", id="behind a missing space"),
        pytest.param("a:\n\tb: 1", "line 2: column 1: the text is not YAML", id="a tab that indents"),
        pytest.param("a: b\nc: \x00", "line 2: column 4: the text holds U+0000", id="NUL"),
        pytest.param("a: \x07", "line 1: column 4: the text holds U+0007", id="a control character"),
        pytest.param("a: \ud800", "line 1: column 4: the text holds U+D800", id="half a surrogate pair"),
        pytest.param("é: 😀\nb: é\x07", "line 2: column 5: the text holds U+0007", id="behind others than ASCII"),
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
        pytest.param("a:\n  <<:\n    [{}, b]\n  c: 1", "line 3: << merges maps only", id="a merge of a word in a list"),
        pytest.param(f"a: 1\n{10**18}: 2", "line 2: the number 1000000000000000000 is too large", id="a huge key"),
        pytest.param('{"a":\n  -1e999}', "line 2: -1e999 is not a finite number", id="JSON beyond all numbers"),
        pytest.param('{"a": 1e999, "b": "\\ud83d\\ude00"}', "1e999 is not", id="the same where the lines are lost"),
    ],
)
def test_a_text_is_refused_with_its_line(text: str, expected: str) -> None:
    assert expected in problem_of(text)


DEEP = 10_000
ALIASES = "\n".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
MERGES = "\n".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}], x{i}: 1}}" for i in range(1, 12))
CHAIN = "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 2_000))


@pytest.mark.slow
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


def repeated(piece: Callable[[int], str], size: int = 500_000) -> str:
    pieces: list[str] = []
    while size > 0:
        pieces.append(piece(len(pieces)))
        size -= len(pieces[-1])
    return "".join(pieces)


COLLIDE = sys.hash_info.modulus
WIDE = "a: &x {" + repeated(lambda i: f"k{i},", 200_000) + "}\n"

HOSTILE = {
    "lists in flow style": ("[" * 500_000, "deep inside each other"),
    "maps in flow style": ("{a: " * 125_000, "deep inside each other"),
    "lists in block style": ("- " * 250_000, "deep inside each other"),
    "lists closed again": ("a: " + "[" * 250_000 + "]" * 250_000, "deep inside each other"),
    "small lists as deep as it goes": ("a: " + "[" * 95 + "[]," * 150_000 + "]" * 95, None),
    "small lists in lists": ("a: [" + "[[]]," * 98_000 + "]", None),
    "values on lines": ("a:\n" + "- - -\n" * 80_000, "more than 200000 values"),
    "one anchor again and again": ("a: &x\n" * 80_000, None),
    "anchors on one line": ("a: &x " * 80_000, "the text is not YAML"),
    "as many anchors": (repeated(lambda i: f"k{i}: &a{i} {{}}\n"), None),
    "aliases of aliases": ("a0: &a0 [x]\n" + ALIASES, "more than 200000 values"),
    "aliases of nothing much": ("a: &x {}\nb: [" + "*x," * 150_000 + "]", None),
    "a chain of merges": (
        "a0: &x0 {k: 1}\n" + repeated(lambda i: f"a{i + 1}: &x{i + 1} {{<<: *x{i}, k{i}: 1}}\n"),
        "deep inside each other",
    ),
    "merges of merges": ("a0: &a0 {x: 1}\n" + MERGES, "more than 200000 values"),
    "a wide map merged by many": (WIDE + "b: [" + "{<<: *x}," * 20_000 + "]", "more than 200000 values"),
    "a wide map merged by one": (WIDE + "b:\n" + "  <<: *x\n" * 20_000, "more than 200000 values"),
    "a wide map merged as a list": (WIDE + "b: {<<: [" + "*x," * 60_000 + "]}", "more than 200000 values"),
    "a wide map merged by each around it": (
        "a: " + "{<<: " * 90 + "{" + repeated(lambda i: f"{i:x},", 490_000) + "}" + "}" * 90,
        "more than 200000 values",
    ),
    "keys without a space behind": (repeated(lambda i: f"k{i}: {{x:[]}}\n"), "found unexpected ':'"),
    "one at the end": ("a: [" + "x, " * 160_000 + "]\nb: {c:[]}\nd: {e:[]}", "line 3: column 6: the text is not YAML"),
    "a long word": ("a: " + "x" * 500_000, None),
    "many long words": ("a: [" + repeated(lambda i: f"{'9' * 1_990}{i:04}x,", 490_000) + "]", None),
    "a long number": ("a: " + "9" * 500_000, None),
    "many long numbers": ("a: [" + repeated(lambda i: f"{10**990 + i},", 490_000) + "]", None),
    "long numbers in base 60": ("a: [" + repeated(lambda i: f"{i + 1}{':59' * 330},", 490_000) + "]", None),
    "the same key": ("a:\n" * 160_000, "more than 200000 values"),
    "the same key for a map": ("a: {a}\n" * 70_000, "more than 200000 values"),
    "many keys": (repeated(lambda i: f"{i:x}:\n"), None),
    "numbers as keys that collide": (repeated(lambda i: f"{COLLIDE * (i + 1)}:\n"), "is too large for a key"),
    "numbers as keys that nearly do": (repeated(lambda i: f"{(i + 1) << 36}:\n"), None),
    "directives": (repeated(lambda i: f"%TAG !{i}! x\n") + "---\na: 1", "line 101: more than 100 lines begin"),
    "directives of another document": ("a: 1\n...\n" + repeated(lambda i: f"%TAG !{i}! x\n"), "more than 100 lines"),
    "lists in JSON": ('{"a": [' + "[]," * 150_000 + "[]]}", None),
    "JSON that YAML can't follow": ('{"b": "\\ud83d\\ude00", "a": [' + "{}," * 150_000 + "{}]}", None),
    "depth in JSON": ('{"a": ' * 80_000, "deep inside each other"),
}

CONFINED = """
import json, resource, sys
from engine.model.errors import EngineError
from engine.template import source

with open("/proc/self/statm") as used:
    size = int(used.read().split()[0]) * resource.getpagesize() + 100_000_000
resource.setrlimit(resource.RLIMIT_AS, (size, size))
for line in sys.stdin:
    given = json.loads(line)
    try:
        found = None if source.load(given if isinstance(given, str) else "x" * given) else "nothing"
    except (EngineError, MemoryError) as error:
        found = str(error) or repr(error)
    print(json.dumps(found), flush=True)
"""


@pytest.fixture(scope="module")
def confined() -> Iterator[Callable[[str | int], str | None]]:
    """Load texts, or one of so many characters, in a process with 100 MB of memory more than it has to begin with."""
    command = [sys.executable, "-c", CONFINED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def load(text: str | int) -> str | None:
            asked.write(json.dumps(text) + "\n")
            asked.flush()
            found: str | None = json.loads(answers.readline())
            return found

        yield load


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_read_within_100_mb(confined: Callable[[str | int], str | None], name: str) -> None:
    text, expected = HOSTILE[name]

    found = confined(text)

    if expected is None:
        assert found is None
    else:
        assert expected in (found or "")


def test_a_process_that_is_confined_has_no_more_memory(confined: Callable[[str | int], str | None]) -> None:
    assert confined(90_000_000) == "The template has 90000000 characters; at most 524288 are allowed"
    assert confined(110_000_000) == "MemoryError()"


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


def test_a_space_that_is_put_in_moves_no_line() -> None:
    assert source.load("a: {b:[1],\n c:[\n2]}").line(("a", "c", 0)) == 3


def test_what_is_merged_has_the_line_where_it_was_written() -> None:
    document = source.load("a: &x\n  b: 1\n  c: 2\nd:\n  <<: *x\n  c: 3")

    assert [document.line(("d", key)) for key in ("b", "c")] == [2, 6]


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
