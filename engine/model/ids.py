"""Identities: what a thing is called across the whole house.

Every floor uses these types so that a stack id is never mistaken for any other string. New ids are drawn by the
floors that may use randomness (runtime, usecases); here they are only named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NewType
from urllib.parse import quote

StackId = NewType("StackId", str)
ResourceId = NewType("ResourceId", str)  # one per built thing: a replacement is a new row with a new id
DefinitionId = NewType("DefinitionId", str)
TraversalId = NewType("TraversalId", str)
EngineId = NewType("EngineId", str)
EventId = NewType("EventId", str)
SnapshotId = NewType("SnapshotId", str)
ContentHash = NewType("ContentHash", str)  # SHA-256 of a text, in hexadecimal

NO_STACK: Final = StackId("None")  # the id that a preview shows: rpc.md §3.2


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """The full name of a stack, or of a resource or event in it when `path` says so (rpc.md §1.2)."""

    tenant: str
    stack_name: str
    stack_id: str
    path: str = ""

    def resource(self, name: str) -> StackIdentity:
        """Return the identity of a resource of this stack."""
        return StackIdentity(self.tenant, self.stack_name, self.stack_id, f"/resources/{name}")

    def event(self, resource_name: str, event_id: str) -> StackIdentity:
        """Return the identity of an event of this stack; stack events carry the stack's name as resource name."""
        path = f"/resources/{resource_name}/events/{event_id}"
        return StackIdentity(self.tenant, self.stack_name, self.stack_id, path)

    def arn(self) -> str:
        """Return the ARN form, percent-quoted, that templates see as the stack's id."""
        parts = (self.tenant, self.stack_name, self.stack_id)
        tenant, name, stack = (quote(part, safe="") for part in parts)
        return f"arn:openstack:heat::{tenant}:stacks/{name}/{stack}{quote(self.path)}"
