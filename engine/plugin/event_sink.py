"""The class that every type of event sink derives from: where a stack's own environment sends the stack's events.

An environment names sinks in its section `event_sinks` (`[{type: log}]`, templates.md §13.7); stacks nested in the
stack send their events there, too. A type is found like a resource type: in `engine.resources`, in the packages of
the option `plugin_packages`, and in the entry points of `isotherm.resources`. To write one:

    class Post(EventSink):
        \"\"\"Posts each event to an address.\"\"\"

        type_name = "post"

        class Arguments(PropertyGroup):
            to = string("The address.", required=True)

        def consume(self, event: Mapping[str, Any]) -> None:
            requests.post(self.arguments.to, json=event, timeout=5)

The arguments are checked when an environment comes, like the properties of a resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from engine.model.records import EventRecord
from engine.schema.properties import PropertyGroup, PropertyValues

VERSION: Final = "0.1"
TYPE: Final = "os.heat.event"


class EventSink:
    """Takes the events of the stacks whose environment names it, one after the other and in order for each stack.

    An object is made for a stack and an action when the first event comes. Objects of one type are made and called on
    one thread, which no walk waits for. Each event comes at most once. What is raised is logged, and the next event
    comes all the same. A sink that hangs holds up all sinks of its type, so whatever it calls needs a time limit.
    """

    type_name: ClassVar[str] = ""

    class Arguments(PropertyGroup):
        """Nothing beside its type, unless the sink says so."""

    def __init__(self, arguments: PropertyValues) -> None:
        self.arguments = arguments

    def consume(self, event: Mapping[str, Any]) -> None:
        """Take one event, as `as_message` makes it; it is the sink's own to change."""
        raise NotImplementedError


def as_message(event: EventRecord) -> dict[str, Any]:
    """Return an event as sinks get it (engine.md §14.4): plain data, fit for JSON. The properties may be secret."""
    return {
        "timestamp": event.time.isoformat(),
        "version": VERSION,
        "type": TYPE,
        "id": event.id,
        "payload": {
            "resource_name": event.resource_name,
            "physical_resource_id": event.physical_id,
            "stack_id": event.stack_id,
            "resource_action": str(event.action),
            "resource_status": event.status.value,
            "resource_status_reason": event.reason,
            "resource_type": event.resource_type,
            "resource_properties": dict(event.properties),
            "version": VERSION,
        },
    }
