"""Lifecycle plugins: how they are found, and what they are told."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import engine.resources
from engine.model.states import Action
from engine.plugin import LifecyclePlugin, Operation, lifecycle
from kit import entry_points, stored

GOOD = """
from engine.plugin import LifecyclePlugin

class Early(LifecyclePlugin):
    ordinal = 1

class Late(LifecyclePlugin):
    pass
"""
BAD = """
from engine.plugin import LifecyclePlugin

class Broken(LifecyclePlugin):
    def __init__(self):
        raise RuntimeError("no scheduler")

def function():
    pass
"""


class Own(LifecyclePlugin):
    """Does nothing."""


def names(plugins: list[LifecyclePlugin]) -> list[str]:
    return [type(plugin).__name__ for plugin in plugins]


def test_the_house_has_none() -> None:
    assert lifecycle.discover(engine.resources) == []


def test_those_of_a_package_are_found_once() -> None:
    mine = ModuleType(__name__)
    vars(mine).update(Own=Own, LifecyclePlugin=LifecyclePlugin)

    assert names(lifecycle.discover(mine, mine)) == ["Own"]


def test_an_entry_point_names_a_class_or_a_module_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"one": "plugins_good:Late", "all": "plugins_good"}
    entry_points.install(tmp_path, monkeypatch, lifecycle.ENTRY_POINTS, points, plugins_good=GOOD)

    assert sorted(names(lifecycle.discover())) == ["Early", "Late"]


def test_a_bad_one_is_logged_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    points = {
        "gone": "plugins_gone:Late",
        "broken": "plugins_bad:Broken",
        "strange": "plugins_bad:function",
        "well": "plugins_well:Late",
    }
    modules = {"plugins_bad": BAD, "plugins_well": GOOD}
    entry_points.install(tmp_path, monkeypatch, lifecycle.ENTRY_POINTS, points, **modules)

    assert names(lifecycle.discover()) == ["Late"]
    assert [record.getMessage() for record in caplog.records] == [
        "the lifecycle plugin plugins_gone:Late can't be loaded and is left out",
        "the lifecycle plugin plugins_bad:function can't be loaded and is left out",
        "the lifecycle plugin plugins_bad.Broken can't be made and is left out",
    ]


def test_an_operation_is_about_what_is_declared_and_what_was_there() -> None:
    declared, there = {"a": "New", "b": "Same"}, {"b": "Old", "c": "Gone"}
    operation = Operation(stored.stack(), Action.UPDATE, declared, there)

    assert operation.resources == {"a": "New", "b": "Same", "c": "Gone"}
