from __future__ import annotations

import pytest
from isotherm.v1 import output_pb2

from engine.api.convert import pages


def output(size: int) -> output_pb2.Output:
    return output_pb2.Output(description="x" * size)


@pytest.mark.parametrize(
    ("sizes", "fitting", "marker"),
    [
        pytest.param([10, 10], 2, "given", id="all fit: the marker is the use case's"),
        pytest.param([pages.BUDGET - 100, 200, 10], 1, "0", id="what is too much begins the next page"),
        pytest.param([10, pages.BUDGET], 1, "0", id="even if it is one item"),
        pytest.param([2 * pages.BUDGET], 1, "given", id="one item always goes, or nothing ever would"),
        pytest.param([], 0, "given", id="nothing"),
    ],
)
def test_a_page_ends_before_it_grows_too_large(sizes: list[int], fitting: int, marker: str) -> None:
    items = list(enumerate(sizes))

    messages, following = pages.fit(
        items, "given", convert=lambda item: output(item[1]), marker_of=lambda item: str(item[0])
    )

    assert (len(messages), following) == (fitting, marker)
