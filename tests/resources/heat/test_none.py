from __future__ import annotations

from engine.plugin import Done
from engine.resources.heat.none import NoneResource
from kit.plugin_host import PluginHost


def test_it_takes_anything_and_tells_nothing() -> None:
    host = PluginHost(NoneResource())
    host.create(flavor="m1", networks=[{"port": 1}])

    assert host.attribute("first_address") is None
    assert host.attribute("networks", 0, "port") is None
    assert host.record.physical_id


def test_no_change_changes_it() -> None:
    host = PluginHost(NoneResource())
    host.create(flavor="m1")
    before = host.record.physical_id

    assert isinstance(host.update(flavor="m2", more=1), Done)
    assert host.record.physical_id == before


def test_it_tells_that_it_takes_anything() -> None:
    schema = NoneResource.schema()

    assert schema.any_property
    assert schema.any_attribute
