from __future__ import annotations

from types import ModuleType

import pytest

import engine.resources
from engine.model.errors import Code, EngineError
from engine.plugin import ResourceType
from engine.plugin.registry import DuplicateType, Registry, discover
from engine.plugin.resource_type import TEMPLATE_TYPE


class Box(ResourceType):
    """A box."""

    type_name = "Test::Box"


class OtherBox(ResourceType):
    """Another box."""

    type_name = "Test::Box"


def test_the_types_of_the_house_are_found() -> None:
    names = discover(engine.resources).names()

    assert {"OS::Heat::RandomString", "OS::Heat::None", TEMPLATE_TYPE} <= {*names}
    assert names == sorted(names)


def test_types_of_several_packages_are_one_catalogue() -> None:
    mine = ModuleType("mine")
    mine.Box = Box  # type: ignore[attr-defined]
    imported = discover(engine.resources, mine).find("Test::Box")

    assert imported is None, "it is imported there, and belongs to where it is declared"
    Box.__module__, before = "mine", Box.__module__
    try:
        assert discover(engine.resources, mine).get("Test::Box").__class__ is Box
    finally:
        Box.__module__ = before


def test_two_types_of_one_name_are_refused_with_both_places() -> None:
    with pytest.raises(DuplicateType, match=r"Test::Box is declared twice: in .*\.Box and .*\.OtherBox"):
        Registry([Box, OtherBox])


def test_a_type_that_is_found_twice_is_one_type() -> None:
    assert Registry([Box, Box]).names() == ["Test::Box"]


def test_an_unknown_type_is_refused_with_near_names() -> None:
    with pytest.raises(EngineError, match="did you mean Test::Box") as refused:
        Registry([Box]).get("Test::Bocks")

    assert refused.value.code is Code.RESOURCE_TYPE_NOT_FOUND
    assert Registry([Box]).find("Test::Bocks") is None
