"""The benchmarks run at all: the smallest size of each section, whatever its numbers are here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchmarks.figures import Figure
from benchmarks.sections import idle, language, life, reads, walks
from benchmarks.sizes import Sizes

SMALLEST = Sizes(
    rounds=1,
    large=4,
    small=3,
    stored=25,
    callers=2,
    seconds=0.2,
    commits=3,
    starts=1,
    crowd=3,
    watchers=4,
    superseded=4,
)


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        pytest.param(walks.measure, 7, id="walks"),
        pytest.param(reads.measure, 6, id="reads"),
        pytest.param(life.measure, 5, id="life"),
        pytest.param(idle.measure, 2, id="idle"),
        pytest.param(language.measure, 3, id="language"),
    ],
)
def test_a_section_measures_its_rows(measure: Callable[[Sizes], Iterator[Figure]], rows: int) -> None:
    figures = list(measure(SMALLEST))

    assert [min(figure.measured.rounds) > 0 for figure in figures] == [True] * rows
