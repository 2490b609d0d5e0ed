from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema import types
from engine.schema.types import UNKNOWN, BadValue, Kind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param(Kind.STRING, "a", "a", id="text stays"),
        pytest.param(Kind.STRING, 5, "5", id="an integer becomes text"),
        pytest.param(Kind.STRING, True, "True", id="a boolean becomes text"),
        pytest.param(Kind.INTEGER, "42", 42, id="digits become an integer"),
        pytest.param(Kind.INTEGER, 5.9, 5, id="a float is cut off"),
        pytest.param(Kind.INTEGER, True, 1, id="true becomes 1"),
        pytest.param(Kind.NUMBER, "1e3", 1000.0, id="an exponent"),
        pytest.param(Kind.NUMBER, " 5 ", 5, id="blanks around a number"),
        pytest.param(Kind.NUMBER, 2.5, 2.5, id="a float stays"),
        pytest.param(Kind.BOOLEAN, "FALSE", False, id="false in any case"),
        pytest.param(Kind.BOOLEAN, True, True, id="a boolean stays"),
        pytest.param(Kind.MAP, {"a": 1}, {"a": 1}, id="a map stays"),
        pytest.param(Kind.LIST, (1, 2), [1, 2], id="a tuple becomes a list"),
        pytest.param(Kind.ANY, {"a": [1]}, {"a": [1]}, id="anything stays"),
    ],
)
def test_a_value_is_converted(kind: Kind, value: Any, expected: Any) -> None:
    found = types.convert(kind, value)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(Kind.STRING, 1.5, id="a float is no string"),
        pytest.param(Kind.STRING, ["a"], id="a list is no string"),
        pytest.param(Kind.INTEGER, "5.0", id="a fraction is no integer"),
        pytest.param(Kind.INTEGER, "9" * 10_000, id="more digits than can be printed"),
        pytest.param(Kind.INTEGER, math.inf, id="infinity is no integer"),
        pytest.param(Kind.INTEGER, math.nan, id="not-a-number is no integer"),
        pytest.param(Kind.NUMBER, "nan", id="nan does not survive JSON"),
        pytest.param(Kind.NUMBER, math.inf, id="infinity does not survive JSON"),
        pytest.param(Kind.NUMBER, "0x10", id="hexadecimal text is no number"),
        pytest.param(Kind.BOOLEAN, "yes", id="yes is no boolean"),
        pytest.param(Kind.BOOLEAN, 1, id="1 is no boolean"),
        pytest.param(Kind.MAP, "{}", id="text is no map"),
        pytest.param(Kind.LIST, "a,b", id="text is no list"),
        pytest.param(Kind.LIST, {"a": 1}, id="a map is no list"),
    ],
)
def test_a_value_of_another_kind_is_bad(kind: Kind, value: Any) -> None:
    with pytest.raises(BadValue):
        types.convert(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param(Kind.LIST, "a,b", ["a", "b"], id="text is split at commas"),
        pytest.param(Kind.LIST, "", [], id="empty text is the empty list"),
        pytest.param(Kind.MAP, '{"a": 1}', '{"a": 1}', id="text for a map stays text"),
        pytest.param(Kind.MAP, [1], "[1]", id="a list for a map becomes JSON"),
    ],
)
def test_conversion_where_it_is_allowed(kind: Kind, value: Any, expected: Any) -> None:
    assert expected == types.convert(kind, value, allow_conversion=True)


@given(st.sampled_from(Kind), JSON)
def test_a_conversion_is_stable_or_a_bad_value(kind: Kind, value: Any) -> None:
    try:
        once = types.convert(kind, value)
    except BadValue:
        return

    assert types.convert(kind, once) == once or once != once  # noqa: PLR0124 - a nan inside is not equal to itself


@pytest.mark.parametrize("kind", Kind)
def test_unknown_passes_every_conversion(kind: Kind) -> None:
    assert types.convert(kind, UNKNOWN) is UNKNOWN


def test_unknown_is_one_value_whatever_is_done_to_it() -> None:
    assert copy.deepcopy(UNKNOWN) is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN


@pytest.mark.parametrize(
    ("value", "expected"),
    [(UNKNOWN, True), ([1, {"a": [UNKNOWN]}], True), ([1, {"a": [None]}], False), ("UNKNOWN", False)],
)
def test_unknown_is_found_at_any_depth(value: Any, expected: bool) -> None:
    assert expected is types.contains_unknown(value)


def test_a_long_value_is_cut_in_messages() -> None:
    assert len(types.shown("x" * 10_000)) < 100
