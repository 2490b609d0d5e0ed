from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.model.states import Action
from engine.plugin import Done, ResourceFailed
from engine.resources.heat.test_resource import TestResource
from engine.schema import changes
from engine.schema.types import UNKNOWN
from kit.plugin_host import NeverEnds, PluginHost, PropertiesRefused


def created(**properties: Any) -> PluginHost:
    host = PluginHost(TestResource(), name="web")
    host.create(**properties)
    return host


@pytest.mark.parametrize(
    ("properties", "create", "update", "delete"),
    [
        pytest.param({}, 0, 0, 0, id="no wait unless told"),
        pytest.param({"wait_secs": 0.05}, 0.05, 0.05, 0.05, id="every action, fractions too"),
        pytest.param({"action_wait_secs": {"create": 3}}, 3, 0, 0, id="one action"),
        pytest.param(
            {"wait_secs": 2, "action_wait_secs": {"update": 5, "delete": 0}},
            2,
            5,
            0,
            id="an action of its own wait",
        ),
    ],
)
def test_it_waits_as_told(properties: Mapping[str, Any], create: float, update: float, delete: float) -> None:
    host = created(**properties)
    waits = [host.waited]
    host.update(**properties, value="other")
    waits.append(host.waited)
    host.delete()
    waits.append(host.waited)

    assert waits == pytest.approx([create, create + update, create + update + delete])


def test_a_wait_of_any_length_is_one_poll() -> None:
    assert created(wait_secs=100_000).calls == 2


def test_it_can_wait_for_ever() -> None:
    with pytest.raises(NeverEnds):
        created(wait_secs=-1)


def test_an_update_that_leaves_the_value_does_not_wait() -> None:
    host = created()
    host.update(wait_secs=10)

    assert host.waited == 0


def test_it_fails_after_its_wait_and_leaves_nothing() -> None:
    host = PluginHost(TestResource(), name="web")

    with pytest.raises(ResourceFailed, match=r"^Test Resource failed web$"):
        host.create(fail=True, wait_secs=4)
    assert host.waited == 4
    assert host.record.physical_id is None


def test_what_will_stand_has_its_id_while_it_waits() -> None:
    host = PluginHost(TestResource())
    ctx = host.begin(Action.CREATE, host.resolve({"wait_secs": 4}))
    host.remember(host.type.create(ctx))

    assert host.record.physical_id == ctx.physical_name()


def test_an_update_fails_after_its_wait_too() -> None:
    host = created()

    with pytest.raises(ResourceFailed):
        host.update(fail=True, value="other", wait_secs=4)
    assert host.waited == 4
    assert host.attribute("output") == "test_string"


def test_an_update_to_fail_fails() -> None:
    with pytest.raises(ResourceFailed):
        created().update(fail=True)


def test_a_delete_never_fails() -> None:
    host = PluginHost(TestResource())
    host.begin(Action.CREATE, host.resolve({"fail": True}))

    assert isinstance(host.delete(), Done)


def test_its_output_is_the_value_that_was_last_applied() -> None:
    host = created(value="a")
    outputs = [host.attribute("output")]
    host.update(value="b")
    outputs.append(host.attribute("output"))

    assert outputs == ["a", "b"]


def test_what_refers_to_it_gets_its_physical_name() -> None:
    host = created()

    assert host.record.reference_id == host.record.physical_id
    assert str(host.record.reference_id).startswith("home-web-")


@pytest.mark.parametrize(
    ("changed", "new", "replaced"),
    [
        pytest.param({"value"}, {"update_replace": True}, True, id="the value, told to"),
        pytest.param({"value"}, {"update_replace": False}, False, id="the value, not told to"),
        pytest.param({"wait_secs"}, {"update_replace": True}, False, id="something else"),
        pytest.param({"value"}, {"update_replace": UNKNOWN}, False, id="not known yet"),
    ],
)
def test_a_change_of_value_replaces_if_told(changed: set[str], new: Mapping[str, Any], *, replaced: bool) -> None:
    assert TestResource().must_replace({}, new, frozenset(changed)) is replaced


def test_only_a_change_of_update_replace_value_always_replaces() -> None:
    schemas = TestResource.Properties.schemas

    assert changes.must_replace(schemas, schemas) == {"update_replace_value"}


def test_reads_and_validations_wait_for_nothing() -> None:
    host = created(attr_wait_secs=3600, constraint_prop_secs=3600)

    assert host.attribute("output") == "test_string"
    assert host.waited == 0


def test_a_check_needs_something_to_check() -> None:
    host = created()
    assert isinstance(host.act(Action.CHECK), Done)

    with pytest.raises(ResourceFailed, match="no physical id"):
        PluginHost(TestResource()).act(Action.CHECK)


def test_a_client_is_refused_since_there_is_none() -> None:
    with pytest.raises(PropertiesRefused, match='client_name: there is no client "nova" to ask for servers'):
        created(client_name="nova", entity_name="servers")


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"client_name": "nova"}, id="a client alone"),
        pytest.param({"entity_name": "servers"}, id="an entity alone"),
    ],
)
def test_half_of_a_question_to_a_client_is_not_asked(properties: Mapping[str, str]) -> None:
    assert isinstance(created(**properties).record.physical_id, str)
