from __future__ import annotations

from typing import Any

import pytest

from engine.schema import paths
from engine.schema.types import UNKNOWN


@pytest.mark.parametrize(
    ("value", "path", "part"),
    [
        pytest.param({"a": 1}, (), {"a": 1}, id="no path: the whole"),
        pytest.param({"a": [1, {"b": 2}]}, ("a", 1, "b"), 2, id="keys and indices"),
        pytest.param([1, 2], (-1,), 2, id="from the end"),
        pytest.param([1, 2], (2,), None, id="past the end"),
        pytest.param([1, 2], ("0",), None, id="text is no index"),
        pytest.param([1, 2], (True,), None, id="a truth value is no index"),
        pytest.param({"1": "x"}, (1,), None, id="a number is no key"),
        pytest.param("text", (0,), None, id="text has no parts"),
        pytest.param(None, ("a",), None, id="nothing has no parts"),
        pytest.param({"a": 1}, ({},), None, id="a map is no key"),
        pytest.param({"a": UNKNOWN}, ("a", "b"), UNKNOWN, id="inside what is not known"),
        pytest.param([1, 2], (UNKNOWN,), UNKNOWN, id="a step that is not known"),
    ],
)
def test_where_a_path_leads(value: Any, path: tuple[Any, ...], part: Any) -> None:
    assert paths.select(value, path) == part
