from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from engine.model.ids import ResourceId
from engine.model.states import Action
from engine.plugin import Context, ResourceType
from kit.plugin_host import PluginHost

ID = ResourceId("6ba7b810-9dad-41d1-80b4-00c04fd430c8")


def context(*, stack_name: str = "home", name: str = "web", resource_id: ResourceId = ID) -> Context:
    host = PluginHost(ResourceType(), name=name)
    ctx = host.begin(Action.CREATE, {})
    record = replace(ctx.record, id=resource_id)
    return replace(ctx, record=record, stack=replace(ctx.stack, name=stack_name))


def test_a_physical_name_is_made_of_the_names_and_the_id() -> None:
    assert re.fullmatch(r"home-web-[a-z2-7]{12}", context().physical_name())


def test_a_physical_name_is_the_same_every_time_and_unique() -> None:
    other = ResourceId("6ba7b811-9dad-41d1-80b4-00c04fd430c8")

    assert context().physical_name() == context().physical_name()
    assert context().physical_name() != context(resource_id=other).physical_name()


def test_the_stars_of_a_backup_stack_are_left_out() -> None:
    assert context(stack_name="home*").physical_name() == context().physical_name()


@pytest.mark.parametrize("limit", [4, 15, 64, 255])
def test_a_long_physical_name_is_shortened_after_its_second_character(limit: int) -> None:
    ctx = context(stack_name="s" * 255)

    name = ctx.physical_name(limit)
    assert len(name) == limit
    assert name[:3] == "ss-"
    assert ctx.physical_name(10_000).endswith(name[3:])


@pytest.mark.parametrize("action", ["create", "delete", "poll"])
def test_a_type_that_writes_no_action_is_done_at_once(action: str) -> None:
    plain: Any = ResourceType()

    assert getattr(plain, action)(context()).physical_id is None
