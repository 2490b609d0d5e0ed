from __future__ import annotations

from typing import Any

import pytest

from engine.schema import changes
from engine.schema.properties import OnChange, PropertyGroup, integer, mapping, string
from engine.schema.types import UNKNOWN


class Thing(PropertyGroup):
    size = integer("In place.", default=1, on_change=OnChange.UPDATE)
    name = string("A new one.")
    zone = string("Never.", on_change=OnChange.REFUSE)
    extra = mapping("In place.", on_change=OnChange.UPDATE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"size": 1}, {"size": 1}, set(), id="equal"),
        pytest.param({"size": 1}, {"size": 2, "name": "x"}, {"size", "name"}, id="two differ"),
        pytest.param({"size": UNKNOWN}, {"size": UNKNOWN}, {"size"}, id="what is not known differs from all"),
        pytest.param({"extra": {"a": [1]}}, {"extra": {"a": [UNKNOWN]}}, {"extra"}, id="not known deep inside"),
        pytest.param({}, {"size": 1}, set(), id="one side lacks it: its default"),
        pytest.param({}, {"size": 2}, {"size"}, id="one side lacks it: not its default"),
        pytest.param({"extra": {"a": True}}, {"extra": {"a": 1}}, {"extra"}, id="true is not 1"),
        pytest.param({"gone": 1}, {}, {"gone"}, id="a name that the schema has no more"),
    ],
)
def test_changed(old: dict[str, Any], new: dict[str, Any], expected: set[str]) -> None:
    assert changes.changed(old, new, Thing.schemas) == expected


def test_what_a_change_asks_for() -> None:
    names = {"size", "name", "zone", "gone"}

    assert changes.refused(names, Thing.schemas) == {"zone"}
    assert changes.must_replace(names, Thing.schemas) == {"name"}


def test_what_an_update_in_place_can_change() -> None:
    values = {"size": 2, "name": "x", "zone": "z", "gone": 1, "extra": None}

    assert changes.in_place(values, Thing.schemas) == {"size": 2, "extra": None}
