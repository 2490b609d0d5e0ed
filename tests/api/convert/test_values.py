from __future__ import annotations

import json
from math import inf, nan
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given
from hypothesis import strategies as st

from engine.api.convert import values
from engine.model.errors import Code, EngineError

BIG = 2**53

# What survives as it is: text without lone surrogates, whole numbers a double can hold, finite floats.
texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | texts | st.integers(-BIG, BIG) | st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)


def there_and_back(value: Any) -> Any:
    """Return the value after a whole way: into a message, over the wire, out again."""
    return values.from_value(Value.FromString(values.to_value(value).SerializeToString()))


@given(trees)
def test_json_comes_back_as_it_was(tree: Any) -> None:
    assert there_and_back(tree) == tree


@given(st.dictionaries(texts, trees, max_size=5))
def test_a_map_comes_back_as_it_was(tree: dict[str, Any]) -> None:
    assert values.from_struct(Struct.FromString(values.to_struct(tree).SerializeToString())) == tree


@given(st.integers())
def test_no_integer_changes_its_digits(number: int) -> None:
    back = there_and_back(number)

    assert str(back) == str(number)
    assert isinstance(back, int) is (abs(number) <= BIG)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1, 1, id="a whole number"),
        pytest.param(1.0, 1, id="a float that is whole is a whole number afterwards"),
        pytest.param(-1, -1, id="a negative number"),
        pytest.param(0.5, 0.5, id="a fraction"),
        pytest.param(BIG, BIG, id="2^53"),
        pytest.param(BIG + 1, "9007199254740993", id="2^53 + 1 is text"),
        pytest.param(-BIG - 1, "-9007199254740993", id="-2^53 - 1 is text"),
        pytest.param(1e300, 1e300, id="a large float stays a float"),
        pytest.param(True, True, id="true is not 1"),
        pytest.param([], [], id="an empty list is not null"),
        pytest.param({}, {}, id="an empty map is not null"),
        pytest.param({"a": {}, "b": [[]]}, {"a": {}, "b": [[]]}, id="empty things inside others"),
        pytest.param("Größe ✓ 🦋 \x00", "Größe ✓ 🦋 \x00", id="unicode"),
        pytest.param({2: "a", False: "b", None: "c"}, {"2": "a", "false": "b", "null": "c"}, id="keys become text"),
        pytest.param((1, 2), [1, 2], id="a tuple is a list"),
        pytest.param(inf, "Infinity", id="infinity is spelled"),
        pytest.param(-inf, "-Infinity", id="minus infinity is spelled"),
        pytest.param(nan, "NaN", id="not a number is spelled"),
    ],
)
def test_values_that_a_double_could_spoil(value: Any, expected: Any) -> None:
    back = there_and_back(value)

    assert back == expected
    assert type(back) is type(expected)


@pytest.mark.parametrize(
    "layer", [pytest.param(lambda x: [x], id="lists"), pytest.param(lambda x: {"k": x}, id="maps")]
)
def test_what_is_nested_too_deep_to_be_read_leaves_as_text(layer: Any) -> None:
    tree: Any = "core"
    for _ in range(200):
        tree = layer(tree)

    back = there_and_back(tree)
    for _ in range(values.MAX_DEPTH):
        (back,) = back if isinstance(back, list) else back.values()
        tree = tree[0] if isinstance(tree, list) else tree["k"]

    assert json.loads(back) == tree


def test_a_number_that_is_none_is_refused_with_its_path() -> None:
    message = Struct()
    message.fields["sizes"].list_value.values.add().number_value = 1
    message.fields["sizes"].list_value.values.add().number_value = nan

    with pytest.raises(EngineError) as caught:
        values.from_struct(message, "parameters")

    assert caught.value.code is Code.INVALID_ARGUMENT
    assert caught.value.fields == {"field": "parameters.sizes[1]"}


def test_a_value_that_nobody_filled_is_null() -> None:
    assert values.from_value(Value()) is None


def test_what_is_not_json_is_an_error_of_the_engine() -> None:
    with pytest.raises(TypeError):
        values.to_value({"a": object()})
