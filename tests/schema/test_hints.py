from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from engine.schema import hints
from engine.schema.hints import MAX_HINTS, Hints

COLOURS = ["red", "green", "blue"]


class Names:
    """Names that count how often they are looked through."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.looks = 0

    def __iter__(self) -> Iterator[str]:
        self.looks += 1
        return iter(self.names)


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        pytest.param(COLOURS, "gren", "; did you mean green?", id="one is near"),
        pytest.param(["abc1", "abc2"], "abc", "; did you mean abc2 or abc1?", id="two are near"),
        pytest.param(COLOURS, "x", "; known: blue, green, red", id="none is near"),
        pytest.param([f"n{index:02}" for index in range(13)], "x", ", n11, …", id="none is near, and many are known"),
        pytest.param([], "x", "; there are none", id="there are none"),
        pytest.param(["1", "2"], 3, "; known: 1, 2", id="what is wanted is no text"),
        pytest.param(["x" * 100], "x" * 90_000, "did you mean xxx", id="only the beginning of a long text counts"),
    ],
)
def test_a_hint_names(names: list[str], wanted: object, expected: str) -> None:
    assert expected in Hints().near(names, wanted)


def test_a_stock_that_is_used_up_gives_no_hint_and_compares_nothing() -> None:
    stock, names = Hints(), Names(COLOURS)
    found = [stock.near(names, "gren") for _ in range(MAX_HINTS + 10)]

    assert found == ["; did you mean green?"] * MAX_HINTS + [""] * 10
    assert names.looks == MAX_HINTS


def test_many_or_long_names_use_a_stock_up_sooner() -> None:
    generator = random.Random(1)
    long = ["".join(generator.choices("ab", k=100)) for _ in range(500)]
    stock = Hints()
    found = [stock.near(long, name) for name in long[: MAX_HINTS - 1]]

    assert all(found[:3])
    assert not any(found[4:])
    assert stock.near(COLOURS, "gren") == "; did you mean green?"


@pytest.mark.parametrize("names", [COLOURS, ["greet"], []])
def test_a_message_is_known_without_its_hint(names: list[str]) -> None:
    assert hints.without_hint(f'there is no colour "gren"{Hints().near(names, "gren")}') == 'there is no colour "gren"'
