"""What a plugin may see: base classes, the context, the outcomes and the ports.

Authors of plugins import from here and from `engine.schema`; nothing else of the engine is theirs. Nothing
here knows the store, threads or gRPC. This is the one package that re-exports its names.
"""

from engine.plugin.constraint import ConstraintType, constraint, refused
from engine.plugin.context import Context
from engine.plugin.event_sink import EventSink
from engine.plugin.lifecycle import LifecyclePlugin, Operation
from engine.plugin.notifier import Notifier
from engine.plugin.outcome import Done, Observed, Outcome, Poll, Replace, ResourceFailed
from engine.plugin.ports import LookupFailed, Lookups, NestedRequest, NestedStack, NestedStacks, NoCloud
from engine.plugin.resource_type import ResourceType

__all__ = [
    "ConstraintType",
    "Context",
    "Done",
    "EventSink",
    "LifecyclePlugin",
    "LookupFailed",
    "Lookups",
    "NestedRequest",
    "NestedStack",
    "NestedStacks",
    "NoCloud",
    "Notifier",
    "Observed",
    "Operation",
    "Outcome",
    "Poll",
    "Replace",
    "ResourceFailed",
    "ResourceType",
    "constraint",
    "refused",
]
