"""What callers get to see, as values: records together with what was computed from them.

The use cases return these, `api/convert` writes them into messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.ids import StackIdentity
from engine.model.records import ResourceRecord, StackRecord
from engine.schema.properties import OnChange


@dataclass(frozen=True, slots=True)
class OutputView:
    """An output of a stack (rpc.md §2.1)."""

    key: str
    description: str
    value: Any = None
    error: str = ""  # why there is no value; "": there is one, or it was not asked for


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack with what its definition says (rpc.md §2.1)."""

    stack: StackRecord
    parameters: Mapping[str, str] = field(default_factory=dict)  # as text, hidden ones masked
    outputs: Sequence[OutputView] | None = None  # None: not asked for, or the stack is deleted
    resources: Sequence[ResourceView] = ()  # a preview only


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property that an update would change."""

    name: str
    before: Any = None  # None: it has no value, or there is nothing yet
    after: Any = None  # None: it would have no value, or only the walk can know it
    is_known: bool = True  # False: only the walk can know what it would be
    effect: OnChange | None = None  # what the change asks for; None: there is nothing to change yet


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource with where it stands in its stack (rpc.md §2.2)."""

    stack: StackRecord
    record: ResourceRecord  # one that no walk has reached yet reads INIT_COMPLETE and has an empty id
    required_by: Sequence[str] = ()  # names of what directly depends on it
    nested: StackIdentity | None = None  # None: it is not made of a nested stack
    description: str = ""
    attributes: Mapping[str, Any] | None = None  # None: not asked for
    properties: Mapping[str, Any] | None = None  # a preview only; what is not known before the walk reads None
    resources: Sequence[ResourceView] = ()  # a preview only: what the nested stack will consist of
    changes: Sequence[PropertyChange] = ()  # a preview of an update only
    replaced_type: str = ""  # a preview of an update only: of what is there now, if its type would be another one
    hook: str = ""  # the breakpoint at which it waits; "": at none
    detailed: bool = False  # False: description, metadata and attributes were not asked for


@dataclass(frozen=True, slots=True)
class UpdatePreview:
    """What an update would do, by what happens to each resource (rpc.md §3.3)."""

    unchanged: Sequence[ResourceView] = ()
    updated: Sequence[ResourceView] = ()
    replaced: Sequence[ResourceView] = ()
    added: Sequence[ResourceView] = ()
    deleted: Sequence[ResourceView] = ()
