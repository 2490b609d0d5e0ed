from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.model.states import Action
from engine.plugin import ResourceFailed
from engine.resources.heat.delay import Delay
from kit.plugin_host import PluginHost, PropertiesRefused

ACTIONS = [Action.CREATE, Action.DELETE, Action.SUSPEND, Action.RESUME]


def waited_by(action: Action, properties: Mapping[str, Any]) -> float:
    host = PluginHost(Delay())
    if action is Action.CREATE:
        host.create(**properties)
    else:
        host.begin(Action.CREATE, host.resolve(properties))
        host.act(action)
    return host.waited


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("told", ACTIONS)
def test_the_actions_that_are_told_to_wait_do(action: Action, told: Action) -> None:
    waited = waited_by(action, {"min_wait": 30, "actions": [told.value]})

    assert waited == (30 if action is told else 0)


@pytest.mark.parametrize(
    ("properties", "least", "most"),
    [
        pytest.param({}, 0, 0, id="no wait unless told"),
        pytest.param({"min_wait": 0.05}, 0.05, 0.05, id="fractions count"),
        pytest.param({"min_wait": 10, "max_jitter": 4}, 10, 14, id="jitter"),
        pytest.param({"max_jitter": 4, "jitter_multiplier": 0.5}, 0, 2, id="half of the jitter"),
        pytest.param({"min_wait": 1, "max_jitter": 4, "jitter_multiplier": 0}, 1, 1, id="none of the jitter"),
    ],
)
def test_the_wait_is_within_its_bounds(properties: Mapping[str, Any], least: float, most: float) -> None:
    assert all(least <= waited_by(Action.CREATE, properties) <= most for _ in range(50))


def test_jitter_differs() -> None:
    assert len({waited_by(Action.CREATE, {"max_jitter": 1000}) for _ in range(10)}) > 1


def test_the_whole_wait_is_one_poll() -> None:
    host = PluginHost(Delay())
    host.create(min_wait=86400)

    assert host.calls == 2


def test_an_update_never_waits() -> None:
    host = PluginHost(Delay())
    host.create(min_wait=0)
    host.update(min_wait=100)

    assert host.waited == 0


def test_a_wait_that_might_outlast_the_stack_fails_at_once() -> None:
    host = PluginHost(Delay(), seconds_left=60)

    with pytest.raises(ResourceFailed, match="may take 61 seconds, but the stack times out in 60 seconds"):
        host.create(min_wait=51, max_jitter=10)
    assert host.waited == 0


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"min_wait": -1}, id="a wait before now"),
        pytest.param({"jitter_multiplier": -0.5}, id="a jitter before now"),
        pytest.param({"actions": ["CREATE", "UPDATE"]}, id="updates can't wait"),
    ],
)
def test_what_it_refuses(properties: Mapping[str, Any]) -> None:
    with pytest.raises(PropertiesRefused):
        PluginHost(Delay()).create(**properties)
