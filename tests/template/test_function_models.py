"""Functions against models of them: shorter and slower ways to say the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from urllib import parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.problems import Problem
from engine.template import dialects, expressions
from engine.template.expressions import ABSENT, BadArgument, EvaluationError, Scope
from engine.template.facts import Facts
from engine.template.functions import lists, maps, repeats, strings, urls
from engine.template.parameters import ParameterValues
from engine.template.reader import Reader
from engine.template.scopes import Conditions
from engine.template.source import Document

SHORT = st.text("abc", max_size=14)
NAMES = st.text("abc", min_size=1, max_size=4)
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 1.5, -0.0, 2**70, 2.0**70, "", "1", "a", "null", "true"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "1"]), inner, max_size=2),
    max_leaves=6,
)


def scope() -> Scope:
    return Conditions({}, Facts(ParameterValues({})))


def replaced(template: str, names: Sequence[str], texts: Mapping[str, str]) -> tuple[str, set[str]]:
    """Return what comes of a text if the first name is replaced, and the others between its places; and who was."""
    if not names:
        return template, set()
    first, *rest = names
    gaps = template.split(first)
    parts = [replaced(gap, rest, texts) for gap in gaps]
    used = set[str]().union(*(names for _, names in parts))
    return texts[first].join(text for text, _ in parts), used | ({first} if len(gaps) > 1 else set())


@given(SHORT, st.dictionaries(NAMES, SHORT, max_size=6))
def test_placeholders_are_replaced_as_the_rules_say(template: str, texts: dict[str, str]) -> None:
    order = sorted(texts, key=lambda name: (-len(name), name))
    expected, used = replaced(template, order, texts)

    arguments = {"template": template, "params": texts}
    assert strings.str_replace.evaluate(arguments, scope()) == expected
    assert {name for _, name in strings.occurrences(template, texts, scope())} == used

    missing = [name for name in order if name not in used]
    if missing:
        with pytest.raises(BadArgument) as refused:
            strings.str_replace_strict.evaluate(arguments, scope())
        assert str(refused.value).endswith(": " + ", ".join(map(json.dumps, missing)))
    else:
        assert strings.str_replace_strict.evaluate(arguments, scope()) == expected


@given(st.text("ab \t\n", max_size=12), st.none() | st.sampled_from(["a", "b", "ab", " "]))
def test_a_text_is_split_as_python_does_and_joined_again(text: str, delimiter: str | None) -> None:
    parts = strings.str_split.evaluate([delimiter, text], scope())

    assert parts == text.split(delimiter)
    if delimiter is not None:
        assert strings.list_join.evaluate([delimiter, parts], scope()) == text


def filled(template: Any, values: Sequence[tuple[str, str]]) -> Any:
    if isinstance(template, str):
        for name, value in values:
            template = template.replace(name, value)
        return template
    if isinstance(template, list):
        return [filled(item, values) for item in template]
    if isinstance(template, dict):
        return {filled(key, values): filled(item, values) for key, item in template.items()}
    return template


@given(TREES, st.dictionaries(NAMES, st.lists(SHORT, max_size=3), min_size=1, max_size=3))
def test_a_repeat_is_a_product(template: Any, for_each: dict[str, list[str]]) -> None:
    rounds = itertools.product(*for_each.values())
    expected = [filled(template, list(zip(for_each, values, strict=True))) for values in rounds]
    found = repeats.repeat.evaluate({"template": template, "for_each": for_each}, scope())

    assert json.dumps(found) == json.dumps(expected)


@given(TREES, st.integers(0, 3), st.lists(NAMES, min_size=1, max_size=3, unique=True), st.randoms())
def test_a_repeat_without_permutations_is_a_zip(template: Any, rows: int, names: list[str], random: Any) -> None:
    for_each = {name: [random.choice(["x", "a", "bc"]) for _ in range(rows)] for name in names}
    expected = [
        filled(template, list(zip(for_each, values, strict=True))) for values in zip(*for_each.values(), strict=True)
    ]
    arguments = {"template": template, "for_each": for_each, "permutations": False}

    assert json.dumps(repeats.repeat.evaluate(arguments, scope())) == json.dumps(expected)


def replaced_map(given: Mapping[str, Any], keys: Mapping[str, Any], values: Mapping[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in given.items():
        new = keys.get(key)
        if new is None:
            new = key
        elif new != key and new in given:
            raise BadArgument("is a key of the map already")
        elif new in made:
            raise BadArgument("and of another key")
        made[new] = values.get(value, value) if isinstance(value, Hashable) else value
    return made


LETTERS = st.sampled_from("abcd")


@given(
    st.dictionaries(LETTERS, LETTERS | st.lists(LETTERS, max_size=1) | st.integers(0, 2)),
    st.dictionaries(LETTERS, LETTERS | st.none()),
    st.dictionaries(LETTERS, LETTERS | st.none()),
)
def test_keys_and_values_are_replaced_as_the_rules_say(
    given: dict[str, Any], keys: dict[str, Any], values: dict[str, Any]
) -> None:
    arguments = [given, {"keys": keys, "values": values}]
    try:
        expected = replaced_map(given, keys, values)
    except BadArgument as error:
        with pytest.raises(BadArgument, match=str(error)):
            maps.map_replace.evaluate(arguments, scope())
        return

    found = maps.map_replace.evaluate(arguments, scope())
    assert list(found.items()) == list(expected.items())


@given(st.lists(TREES, max_size=8), st.lists(TREES, max_size=4), TREES)
def test_values_are_the_same_if_they_are_equal(items: list[Any], others: list[Any], one: Any) -> None:
    """Two values are one if Python says so, which compares 1, 1.0 and True as equal."""
    both = [*items, *others]
    unique = [item for index, item in enumerate(both) if item not in both[:index]]
    left = [item for item in items if item not in others]

    assert json.dumps(lists.list_concat_unique.evaluate([items, None, others], scope())) == json.dumps(unique)
    assert json.dumps(lists.filter_out.evaluate([others, items], scope())) == json.dumps(left)
    assert lists.contains.evaluate([one, both], scope()) is (one in both)


PARTS = st.text(max_size=8).filter(lambda text: not any(0xD800 <= ord(letter) < 0xE000 for letter in text))


@given(
    st.fixed_dictionaries(
        {"host": PARTS.filter(lambda text: ":" not in text and text[:1] != "[").filter(bool)},
        optional={
            "username": PARTS,
            "password": PARTS,
            "port": st.integers(1, 65_535),
            "path": PARTS,
            "query": st.dictionaries(PARTS.filter(bool), PARTS),
            "fragment": PARTS,
        },
    )
)
def test_a_url_has_the_parts_that_it_was_made_of(parts: dict[str, Any]) -> None:
    split = parse.urlsplit(urls.make_url.evaluate({"scheme": "http", **parts}, scope()))

    assert split.scheme == "http"
    assert parse.unquote(split.username or "") == parts.get("username", "")
    assert parse.unquote(split.password or "") == parts.get("password", "")
    assert split.netloc.rpartition("@")[2].partition(":")[0] == parse.quote(parts["host"], safe="")
    assert split.port == parts.get("port")
    assert parse.unquote(split.path).removeprefix("/") == parts.get("path", "").removeprefix("/")
    assert dict(parse.parse_qsl(split.query, keep_blank_values=True)) == parts.get("query", {})
    assert parse.unquote(split.fragment) == parts.get("fragment", "")


ODD = st.sampled_from(
    [-1, 10**999, 1e300, "\ud800", "é", "\U0001f600", "md5", "metadata", ",", "a", [], {}, [[]], {"a": "a"}]
)
KEYS = st.sampled_from(
    ["template", "params", "for_each", "permutations", "keys", "values", "port", "query", "host", "a"]
)
ANYTHING = st.recursive(
    SCALARS | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
PAIRS = st.lists(ANYTHING, min_size=2, max_size=2)
MAPS = st.one_of(
    st.fixed_dictionaries({"template": ANYTHING, "params": st.dictionaries(KEYS, ANYTHING, max_size=2)}),
    st.fixed_dictionaries({"template": ANYTHING, "for_each": st.dictionaries(KEYS, ANYTHING, max_size=2)}),
    st.fixed_dictionaries({}, optional={"host": ANYTHING, "port": ANYTHING, "query": ANYTHING, "path": ANYTHING}),
)
FUNCTIONS = [
    (info.version, function.name)
    for info in dialects.versions()
    for function in dialects.functions_of(info.version)
    if function.name != "yaql"
]


@given(st.sampled_from(FUNCTIONS), ANYTHING | PAIRS | MAPS)
def test_whatever_a_function_is_given_it_answers_or_says_why(function: tuple[str, str], arguments: Any) -> None:
    version, name = function
    key, _, number = version.partition(".")
    problems: list[Problem] = []
    reader = Reader(dialects.select({key: number}).language, Document({}), problems)
    expr = reader.read({name: arguments}, ())
    try:
        found = [] if problems else expressions.evaluate(expr, scope())
    except EvaluationError as error:
        problems.append(error.problem)
        found = []

    assert all(problem.summary for problem in problems)
    assert found is ABSENT or json.loads(json.dumps(found)) == found
