from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine.resources
from engine.model.states import Action
from engine.plugin import Done, Replace, ResourceFailed
from engine.plugin.registry import discover
from engine.schema import changes
from kit import fake_cloud_types
from kit.fake_cloud import How, Operation
from kit.fake_cloud_client import FakeCloud
from kit.fake_cloud_types import Thing
from kit.plugin_host import Interrupted, PluginHost


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[FakeCloud]:
    with FakeCloud(tmp_path / "ledger.jsonl", idempotent=False) as cloud:
        yield cloud


@pytest.fixture
def host(cloud: FakeCloud) -> PluginHost:
    return PluginHost(Thing())


def test_it_is_found_beside_the_types_of_the_house() -> None:
    registry = discover(engine.resources, fake_cloud_types)

    assert isinstance(registry.get("Test::Cloud::Thing"), Thing)
    assert registry.find("OS::Heat::RandomString") is not None


def test_it_lives(cloud: FakeCloud, host: PluginHost) -> None:
    host.create(cloud=cloud.address, polls=3, label="a")
    built = host.calls
    host.update(cloud=cloud.address, label="b", polls=1)
    read = [host.attribute(name) for name in ("kind", "size", "label")]
    host.delete()

    assert built == 5
    assert read == ["box", 1, "b"]
    assert [entry.did for entry in cloud.ledger()] == ["built", "changed", "deleted"]


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_create_that_was_interrupted_is_found_not_built_again(cloud: FakeCloud, host: PluginHost, calls: int) -> None:
    host.calls_left = calls
    with pytest.raises(Interrupted):
        host.create(cloud=cloud.address, polls=4)
    host.calls_left = None
    host.create(cloud=cloud.address, polls=4)

    assert cloud.doubles() == {}
    assert cloud.leaks([str(host.record.physical_id)]) == set()


def test_what_was_built_unheard_is_deleted(cloud: FakeCloud, host: PluginHost) -> None:
    cloud.fail_next(Operation.BUILD, How.DROP)
    with pytest.raises(ResourceFailed, match="hung up"):
        host.create(cloud=cloud.address)
    assert host.record.physical_id is None
    assert len(cloud.standing()) == 1

    host.delete()
    assert cloud.standing() == {}


@pytest.mark.parametrize("operation", [Operation.BUILD, Operation.SHOW])
def test_a_refusal_fails_it(cloud: FakeCloud, host: PluginHost, operation: Operation) -> None:
    cloud.fail_next(operation)

    with pytest.raises(ResourceFailed, match=f"told to refuse to {operation}"):
        host.create(cloud=cloud.address, polls=1)


def test_another_kind_is_another_thing() -> None:
    schemas = Thing.Properties.schemas

    assert changes.must_replace(schemas, schemas) == {"cloud", "kind"}


def test_an_update_of_one_that_is_gone_asks_for_a_new_one(cloud: FakeCloud, host: PluginHost) -> None:
    host.create(cloud=cloud.address)
    cloud.things.delete(str(host.record.physical_id))

    assert isinstance(host.update(cloud=cloud.address, size=2), Replace)
    assert host.attribute("size") is None


def test_what_is_gone_can_be_deleted(cloud: FakeCloud, host: PluginHost) -> None:
    host.create(cloud=cloud.address)
    host.delete()

    assert isinstance(host.delete(), Done)
    host.begin(Action.CREATE, host.resolve({"cloud": cloud.address}))
    assert isinstance(host.delete(), Done)
