"""Custom constraints that only the caller's cloud can answer: there is a thing of that name or id (templates.md §12.8).

Found by the registry. They differ in nothing but the kind that they ask for, so they are a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.plugin.constraint import ConstraintType, constraint, refused
from engine.plugin.ports import Lookups
from engine.schema import types

KINDS: Final[Mapping[str, tuple[str, ...]]] = {  # service → what it has
    "barbican": ("container", "secret"),
    "blazar": ("reservation",),
    "cinder": ("backup", "qos_specs", "snapshot", "volume", "vtype"),
    "designate": ("zone",),
    "glance": ("image",),
    "ironic": ("node", "portgroup"),
    "keystone": ("domain", "group", "project", "region", "role", "service", "user"),
    "magnum": ("cluster_template",),
    "manila": ("share_network", "share_snapshot", "share_type"),
    "mistral": ("workflow",),
    "neutron": (
        "address_scope",
        "flow_classifier",
        "lbaas.listener",
        "lbaas.loadbalancer",
        "lbaas.pool",
        "lbaas.provider",
        "network",
        "port",
        "port_pair",
        "port_pair_group",
        "qos_policy",
        "router",
        "security_group",
        "segment",
        "subnet",
        "subnetpool",
        "taas.tap_flow",
        "taas.tap_service",
    ),
    "nova": ("flavor", "host", "keypair", "network", "server"),
    "octavia": (
        "availabilityzone",
        "availabilityzoneprofile",
        "flavor",
        "flavorprofile",
        "l7policy",
        "listener",
        "loadbalancer",
        "pool",
    ),
    "trove": ("flavor",),
    "zaqar": ("queue",),
}


def _lookup(kind: str) -> ConstraintType:
    @constraint(kind)
    def exists(value: Any, lookups: Lookups) -> str | None:
        """A thing of the caller's cloud, by its name or id."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            return f"{types.shown(value)} is not the name or id of a {kind}"
        # Not asked for nothing: to many services an empty name is a question for all that there is.
        found = value != "" and lookups.find(kind, str(value))
        return None if found else refused(value, f"there is no {kind} of that name or id")

    return exists


LOOKUPS: Final = tuple(_lookup(f"{service}.{kind}") for service, kinds in KINDS.items() for kind in kinds)
