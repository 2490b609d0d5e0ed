"""What a resource type is given with each call: the thing it is about, and the ports it may use.

One context is made for one call by the visitor (or by a read that resolves an attribute) and thrown away afterwards.
"""

from __future__ import annotations

import uuid
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action
from engine.plugin.ports import NestedStacks
from engine.schema.properties import PropertyValues

_MAX_NAME = 255  # longest physical name unless the type says less


@dataclass(frozen=True, slots=True)
class Context:
    """One call of a plugin: which resource, what is wanted, what is remembered."""

    stack: StackRecord
    record: ResourceRecord
    action: Action
    properties: PropertyValues  # as wanted; for a delete, check or attribute: as last built
    previous: PropertyValues = field(default_factory=lambda: PropertyValues({}))  # an update: as last built
    changed: frozenset[str] = frozenset()  # an update: which top-level properties differ
    token: Any = None  # what the last `Poll` carried; None: the first call of this action
    seconds_left: float | None = None  # until the stack's timeout; None: no limit known
    files: Mapping[str, str] = field(default_factory=dict)  # the stack's files, for types that read them by name
    template_file: str = ""  # file that implements this type; "": it is not a template
    ports: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name in the template."""
        return self.record.name

    @property
    def physical_id(self) -> str | None:
        """Return the provider's name for the thing; None: nothing is known to exist."""
        return self.record.physical_id

    @property
    def data(self) -> Mapping[str, Any]:
        """Return what this plugin remembered with `Done.data` or `Poll.data`."""
        return self.record.data

    @property
    def idempotency_token(self) -> str:
        """Return a token that is the same for every attempt to build this very thing, and unique to it."""
        return self.record.id

    @property
    def stacks(self) -> NestedStacks:
        """Return the port to nested stacks."""
        stacks: NestedStacks = self.ports["stacks"]
        return stacks

    def new_id(self) -> str:
        """Return a fresh random id."""
        return str(uuid.uuid4())

    def physical_name(self, limit: int = _MAX_NAME) -> str:
        """Return a name for the provider, unique and at most `limit` (at least 4) characters (engine.md §1).

        `<stack>-<resource>-<12 characters of the resource's id>`, shortened in the middle when too long.
        """
        short = b32encode(uuid.UUID(self.record.id).bytes[:8])[:12].decode().lower()
        name = f"{self.stack.name.rstrip('*')}-{self.record.name}-{short}"
        return name if len(name) <= limit else f"{name[:2]}-{name[-(limit - 3) :]}"
