"""The rows with which a stack begins that takes over existing resources. Pure.

Called by whoever stores such a stack. The walk then brings each row to its declaration by the type's `adopt`; a row
that was given no physical id fails there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.model.ids import ResourceId
from engine.model.records import Json, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import export
from engine.plan.export import Adopted

ADOPTED: Final = "adopted"  # the key in a row's data under which it holds the data of a nested stack


@dataclass(frozen=True, slots=True)
class Wanted:
    """One declared resource that something is to be taken over for."""

    id: ResourceId  # of its row
    name: str
    type: str  # as written
    implementation: str  # the registered type that builds it
    deletion_policy: str = "Delete"


def rows(stack: StackRecord, wanted: Iterable[Wanted], adopted: Adopted) -> list[ResourceRecord]:
    """Return the row of each declared resource, with what the data say of its name.

    What the data have beside is not taken over: nobody has declared it.
    """
    return [_row(stack, one, adopted.resources.get(one.name) or {}) for one in wanted]


def _row(stack: StackRecord, wanted: Wanted, entry: Mapping[str, Json]) -> ResourceRecord:
    is_stack = export.is_stack(entry)
    return ResourceRecord(
        id=wanted.id,
        stack_id=stack.id,
        name=wanted.name,
        type=wanted.type,
        implementation=wanted.implementation,
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        created_time=stack.created_time,
        physical_id=None if is_stack else entry.get("resource_id"),
        data={ADOPTED: entry} if is_stack else entry.get("resource_data") or {},
        metadata={} if is_stack else entry.get("metadata") or {},
        deletion_policy=wanted.deletion_policy,
    )
