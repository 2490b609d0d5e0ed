"""The rooms of the public service, with the use cases behind them.

Called by service. A new noun is one more line here; which RPC is in which room, the rooms say themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from engine.api.actions import Actions
from engine.api.events import Events
from engine.api.interceptors import Room
from engine.api.outputs import Outputs
from engine.api.resource_types import ResourceTypes
from engine.api.resources import Resources
from engine.api.services import Services
from engine.api.snapshots import Snapshots
from engine.api.stack_exports import StackExports
from engine.api.stacks import Stacks
from engine.api.templates import Templates
from engine.runtime.declared import Declared
from engine.runtime.snapshots import Removals
from engine.runtime.streams import EventStreams
from engine.store.database import Database
from engine.usecases import (
    actions,
    events,
    exports,
    outputs,
    resource_types,
    resources,
    services,
    signals,
    snapshots,
    stacks,
    templates,
)
from engine.usecases.attributes import PortsFor


class Parts(TypedDict):
    """What the use cases need."""

    db: Database
    declared: Declared
    ports_for: PortsFor  # what a type may use when an attribute is read
    streams: EventStreams
    removals: Removals
    signals: signals.Signals
    max_nested_stack_depth: int
    revision: str


def furnish(stacks_: stacks.Stacks, **parts: Unpack[Parts]) -> Sequence[Room]:
    """Return every room. The use cases of stacks come ready, because nested stacks need them, too."""
    db, declared = parts["db"], parts["declared"]
    begins = (stacks_.traversals, stacks_.logbook)
    return (
        Stacks(stacks_),
        Actions(actions.Actions(db, declared, *begins)),
        StackExports(exports.Exports(db, *begins, stacks_.limits)),
        Snapshots(snapshots.Snapshots(db, declared, *begins, parts["removals"], stacks_.limits)),
        Outputs(outputs.Outputs(db, declared)),
        Resources(
            resources.Resources(db, declared, parts["ports_for"], parts["max_nested_stack_depth"]), parts["signals"]
        ),
        Events(events.Events(db), parts["streams"]),
        Templates(templates.Templates(db, declared, stacks_.definitions)),
        ResourceTypes(resource_types.ResourceTypes(declared.registry)),
        Services(services.Services(db, parts["revision"])),
    )
