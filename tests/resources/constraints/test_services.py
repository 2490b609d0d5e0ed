from __future__ import annotations

from typing import Any

import pytest

import engine.resources
from engine.plugin.ports import NoCloud
from engine.plugin.registry import discover
from engine.resources.constraints import services
from engine.schema import constraints
from engine.schema.constraints import CustomConstraint
from engine.schema.types import Kind
from kit.fake_lookups import FakeLookups

REGISTRY = discover(engine.resources)
KINDS = sorted(one.name for one in services.LOOKUPS)

# Every name that a property of the catalogue of types has, and those that only templates ask for. Without
# test_constr, which does nothing but sleep.
KNOWN = [
    "barbican.container", "barbican.secret", "blazar.reservation", "cinder.backup", "cinder.qos_specs",
    "cinder.snapshot", "cinder.volume", "cinder.vtype", "cron_expression", "designate.zone", "dns_domain",
    "dns_name", "expiration", "glance.image", "ip_addr", "ip_or_cidr", "ironic.node", "ironic.portgroup",
    "iso_8601", "json_string", "keystone.domain", "keystone.group", "keystone.project", "keystone.region",
    "keystone.role", "keystone.service", "keystone.user", "mac_addr", "magnum.cluster_template",
    "manila.share_network", "manila.share_snapshot", "manila.share_type", "mistral.workflow", "net_cidr",
    "neutron.address_scope", "neutron.flow_classifier", "neutron.lbaas.listener", "neutron.lbaas.loadbalancer",
    "neutron.lbaas.pool", "neutron.lbaas.provider", "neutron.network", "neutron.port", "neutron.port_pair",
    "neutron.port_pair_group", "neutron.qos_policy", "neutron.router", "neutron.security_group",
    "neutron.segment", "neutron.subnet", "neutron.subnetpool", "neutron.taas.tap_flow",
    "neutron.taas.tap_service", "nova.flavor", "nova.host", "nova.keypair", "nova.network", "nova.server",
    "octavia.availabilityzone", "octavia.availabilityzoneprofile", "octavia.flavor", "octavia.flavorprofile",
    "octavia.l7policy", "octavia.listener", "octavia.loadbalancer", "octavia.pool", "rel_dns_name", "timezone",
    "trove.flavor", "zaqar.queue",
]  # fmt: skip


def test_every_name_that_is_in_use_is_there_and_no_other() -> None:
    assert sorted(REGISTRY.constraints) == KNOWN


@pytest.mark.parametrize("name", REGISTRY.constraints)
def test_every_constraint_says_what_it_asks_for(name: str) -> None:
    assert REGISTRY.constraints[name].description.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_looked_up_among_things_of_its_kind(kind: str) -> None:
    cloud = FakeLookups({kind: {"web", "7"}, "another.kind": {"other"}})
    found = REGISTRY.custom(cloud)[kind]

    assert [found("web"), found("7"), found(7)] == [None, None, None]
    assert found("other") == f"Error validating value 'other': there is no {kind} of that name or id"
    assert cloud.asked == {kind: 4}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lookup_that_fails_is_told_with_its_reason(kind: str) -> None:
    found = REGISTRY.custom(FakeLookups({kind: {"web"}}, reason="503 from the service"))[kind]

    assert found("web") == "Error validating value 'web': 503 from the service"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_cloud_nothing_can_be_checked(kind: str) -> None:
    told = REGISTRY.custom(NoCloud())[kind]("web")

    assert told == f"Error validating value 'web': this engine is connected to no cloud, so {kind} can't be checked"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("", "Error validating value '': there is no nova.flavor of that name or id", id="an empty name"),
        pytest.param(None, "null is not the name or id of a nova.flavor", id="null"),
        pytest.param(True, "true is not the name or id of a nova.flavor", id="a truth value"),
        pytest.param(1.5, "1.5 is not the name or id of a nova.flavor", id="a fraction"),
        pytest.param(["web"], '["web"] is not the name or id of a nova.flavor', id="a list"),
    ],
)
def test_what_can_be_no_name_is_refused_and_not_asked_for(value: Any, told: str) -> None:
    cloud = FakeLookups({"nova.flavor": {"", "web"}})

    assert REGISTRY.custom(cloud)["nova.flavor"](value) == told
    assert cloud.asked == {}


def test_the_words_of_an_author_take_the_place_of_the_reason() -> None:
    wanted = CustomConstraint("nova.flavor", "choose one of ours")

    assert constraints.check(wanted, Kind.STRING, "web", custom=REGISTRY.custom(NoCloud())) == "choose one of ours"
