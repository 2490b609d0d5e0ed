from __future__ import annotations

import pytest

from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.types import Kind


class Common(AttributeGroup):
    value = attribute("What it holds.", kind=Kind.STRING)


def test_a_group_collects_and_inherits() -> None:
    class More(Common):
        live = attribute("Never the same.", cache=False, name="live-value")

    assert list(More.schemas) == ["value", "live-value"]
    assert not More.schemas["live-value"].cache
    assert list(Common.schemas) == ["value"]


def test_an_attribute_can_not_be_called_star() -> None:
    with pytest.raises(TypeError, match=r"called \*"):
        type("Bad", (AttributeGroup,), {"all": attribute("All.", name="*")})
