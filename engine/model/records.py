"""What is remembered: a stack, the things it built, what happened.

These are the values that the store reads and writes and that the plan computes with; a database row never leaves
`store`. Each field says who may write it where that is not plain. A record is changed by making a new one
(`dataclasses.replace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.model.ids import (
    DefinitionId,
    EngineId,
    EventId,
    ResourceId,
    SnapshotId,
    StackId,
    StackIdentity,
    TraversalId,
)
from engine.model.states import Action, State, Status

Json = Any  # what `json` can write: None, bool, int, float, str, list, dict


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: from authentication only, never from a message (rpc.md §7)."""

    project: str
    user: str = ""
    roles: frozenset[str] = frozenset()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an operation goes about it, beside where it leads. Stored, so that whoever walks on keeps to it."""

    retain: bool = False  # an abandon: every thing stays as it is and is forgotten
    observe: bool = False  # look at what is really there before deciding: `converge` of an update
    skip: frozenset[str] = frozenset()  # names that a rollback leaves as they are
    unattended: bool = False  # stop at no breakpoint: it is part of the rollback of a stack around it


@dataclass(frozen=True, slots=True)
class Definition:
    """What a user declared: the text of a template, its files and its environment. Immutable; a change is a new one."""

    id: DefinitionId
    template: str  # exactly as written
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Json] = field(default_factory=dict)  # merged: parameters, registry, …; secret
    facade: Mapping[str, Json] | None = None  # of a nested template that asks for the resource it stands for; secret
    restored: Mapping[str, Json] = field(default_factory=dict)  # what a snapshot kept of resources, by name; secret


@dataclass(frozen=True, slots=True)
class StackRecord:
    """A stack as it is stored."""

    id: StackId
    name: str
    project: str
    action: Action
    status: Status
    reason: str
    definition_id: DefinitionId  # the target of the last operation
    created_time: datetime
    complete_definition_id: DefinitionId | None = None  # last target that reached COMPLETE; None: none has
    traversal: TraversalId = TraversalId("")  # the walk that may lead somewhere; "": none was started
    disable_rollback: bool = True
    timeout_mins: int | None = None  # None: the configured stack_action_timeout
    tags: tuple[str, ...] = ()
    description: str = ""
    username: str = ""
    user_project_id: str = ""
    owner_id: StackId | None = None  # the stack that this one is nested in; None: a root
    parent_resource: str = ""  # name of the resource of the owner that this stack stands for
    root_id: StackId | None = None  # the outermost owner; None: it is itself a root
    nested_depth: int = 0
    updated_time: datetime | None = None  # when the last action but create was accepted
    deleted_time: datetime | None = None  # soft deletion; None: it is live
    manner: Manner = Manner()  # of the last operation

    @property
    def state(self) -> State:
        """Return the action and how far it came."""
        return State(self.action, self.status)

    @property
    def identity(self) -> StackIdentity:
        """Return the full identity of the stack."""
        return StackIdentity(self.project, self.name, self.id)

    @property
    def target_id(self) -> DefinitionId | None:
        """Return the definition that the current or last walk leads to; None: to nothing at all."""
        match self.action:
            case Action.DELETE:
                return None
            case Action.ROLLBACK:
                return self.complete_definition_id
            case _:
                return self.definition_id

    @property
    def top_id(self) -> StackId:
        """Return the id of the outermost stack: its own for a root."""
        return self.root_id or self.id


@dataclass(frozen=True, slots=True)
class Pending:
    """An operation under way on a resource: what it applies, kept until its outcome is known."""

    properties: Mapping[str, Json]
    requires: frozenset[ResourceId]
    fingerprint: str = ""
    token: Json = None  # the plugin's poll token; None: the plugin has not answered yet
    due: datetime | None = None  # when the plugin wants to be asked again; None: as soon as may be


@dataclass(frozen=True, slots=True)
class Hook:
    """A breakpoint that a resource has reached (engine.md §3.11)."""

    point: str  # pre-create, post-create, pre-update, post-update, pre-delete or post-delete
    traversal: TraversalId  # the walk that waits at it, or has gone on; to another it means nothing
    is_cleared: bool = False


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """One built thing, or one that is being built. A replacement is another record with the same name."""

    id: ResourceId
    stack_id: StackId
    name: str
    type: str  # as the template says
    implementation: str  # the registered type that builds it; differs from `type` under an environment mapping
    action: Action
    status: Status
    reason: str
    created_time: datetime
    updated_time: datetime | None = None
    physical_id: str | None = None  # the provider's name for it; None: nothing is known to exist
    reference: Json = None  # what get_resource yields; None: the physical id, else the name
    properties: Mapping[str, Json] = field(default_factory=dict)  # as last built; secret
    pending: Pending | None = None  # None: nothing is under way
    requires: frozenset[ResourceId] = frozenset()  # what it was built against; the union while an update is half done
    data: Mapping[str, Json] = field(default_factory=dict)  # the plugin's memory; secret
    attributes: Mapping[str, Json] = field(default_factory=dict)  # what others and outputs read, as last seen; secret
    metadata: Mapping[str, Json] = field(default_factory=dict)
    deletion_policy: str = "Delete"
    nested_stack_id: StackId | None = None
    definition_id: DefinitionId | None = None  # the definition it was last converged to
    fingerprint: str = ""  # what else it was built from: a hash over a nested template, its files and its environment
    hook: Hook | None = None  # the breakpoint that was reached last
    is_adopted: bool = False  # it was there before the stack, which took it over
    performed_by: TraversalId | None = None  # the last walk that began to suspend, resume, check or save it
    is_unhealthy: bool = False  # somebody said so (ResourceMarkUnhealthy): the next update replaces it
    version: int = 0  # goes up with every write; compare-and-set

    @property
    def state(self) -> State:
        """Return the action and how far it came."""
        return State(self.action, self.status)

    @property
    def is_built(self) -> bool:
        """Return whether the last operation ended well and something stands."""
        return self.status is Status.COMPLETE and self.action not in (Action.DELETE, Action.INIT)

    @property
    def is_awaited(self) -> bool:
        """Return whether an operation is under way whose plugin has answered that it is not finished."""
        return self.pending is not None and self.pending.token is not None

    @property
    def reference_id(self) -> Json:
        """Return what get_resource yields (engine.md §1)."""
        if self.reference is not None:
            return self.reference
        return self.physical_id if self.physical_id is not None else self.name


STACK_TYPE = "OS::Heat::Stack"  # the resource type that events of a stack itself carry


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One transition, written in the same transaction as the state it tells of."""

    id: EventId
    stack_id: StackId
    stack_name: str
    project: str
    root_id: StackId  # of the outermost stack, so that a watcher of the root sees all
    time: datetime
    resource_name: str  # the stack's name for an event of the stack itself
    resource_type: str
    action: Action | str  # SIGNAL occurs here and nowhere else
    status: Status
    reason: str  # cut to 255 characters by the store
    physical_id: str | None = None
    resource_id: ResourceId | None = None
    properties: Mapping[str, Json] = field(default_factory=dict)
    sequence: int = 0  # gap-free per stack, from 1; set by the store
    position: int = 0  # order over all stacks; set by the store; what a watcher resumes from


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """What a stack was like at one time, to come back to (rpc.md §2.5, §3.6)."""

    id: SnapshotId  # of one that is being taken: also the traversal of the walk that takes it
    stack_id: StackId
    name: str  # "": none was given
    project: str
    action: Action  # CREATE: it is, or was, being taken; DELETE: it is being removed
    status: Status
    reason: str
    created_time: datetime
    data: Json = None  # the payload of rpc.md §2.8; None: it is not taken yet; secret


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One engine process as it reports itself (rpc.md §2.5)."""

    engine_id: EngineId
    host: str
    hostname: str
    binary: str
    topic: str
    report_interval: int  # seconds
    created_time: datetime
    updated_time: datetime | None = None  # database time of the last report
    deleted_time: datetime | None = None
    listener_address: str = ""  # where its EngineListener answers; "": it has none


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to walk a stack, and the number that every write of the walk carries."""

    stack_id: StackId
    engine_id: EngineId
    fence: int
