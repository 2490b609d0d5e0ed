"""Resources: rows found, and turned into records and back.

Called by usecases and runtime for reading. Rows of a walk are written by `walks.py`, which uses the same conversion;
those that a new stack begins with (an adopt) by `insert`.
What is secret in a resource is sealed as one value, bound to the row: one encryption per write, whatever the resource
holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy import insert as insert_into

from engine.model.ids import ResourceId, StackId, TraversalId
from engine.model.records import Hook, Pending, ResourceRecord, StackRecord
from engine.model.states import Status
from engine.store import stacks
from engine.store.batches import Batch
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.resources import ResourceRow
from engine.store.tables.stacks import StackRow
from engine.store.types import ACTIONS, STATUSES, storable

STACK: Final = table_of(StackRow)
RESOURCE: Final = table_of(ResourceRow)
COLUMNS: Final = tuple(RESOURCE.c)  # in the order that `record` takes

_ORDER: Final = (RESOURCE.c.created_time, RESOURCE.c.id)
_OF_STACK: Final = select(*COLUMNS).where(RESOURCE.c.stack_id == bindparam("of")).order_by(*_ORDER)
_NAMED: Final = _OF_STACK.where(RESOURCE.c.name == bindparam("called"))
_OF_NAMES: Final = _OF_STACK.where(RESOURCE.c.name.in_(bindparam("called", expanding=True)))
_IN_TREE: Final = (
    or_(STACK.c.id == bindparam("root"), STACK.c.root_id == bindparam("root")),
    STACK.c.deleted_time.is_(None),
)
_OF_TREE: Final = (
    select(*COLUMNS)
    .join_from(RESOURCE, STACK, STACK.c.id == RESOURCE.c.stack_id)
    .where(*_IN_TREE)
    .order_by(STACK.c.nested_depth, RESOURCE.c.stack_id, *_ORDER)
)
_COUNT_IN_TREE: Final = (
    select(func.count())
    .select_from(RESOURCE)
    .join(STACK, STACK.c.id == RESOURCE.c.stack_id)
    .where(*_IN_TREE, STACK.c.id != bindparam("but"))
)
_FAILED_IN_TREE: Final = (
    select(RESOURCE.c.stack_id)
    .join_from(RESOURCE, STACK, STACK.c.id == RESOURCE.c.stack_id)
    .where(*_IN_TREE, RESOURCE.c.status == Status.FAILED.value)
    .distinct()
)
_BY_PHYSICAL_ID: Final = (
    select(*COLUMNS, *stacks.COLUMNS)
    .join_from(RESOURCE, STACK, STACK.c.id == RESOURCE.c.stack_id)
    .where(RESOURCE.c.physical_id == bindparam("physical"), STACK.c.deleted_time.is_(None))
    .order_by(*_ORDER)
)
_INSERT: Final = Batch(insert_into(RESOURCE), tuple(column.name for column in RESOURCE.c))


def insert(tx: Tx, rows: Sequence[ResourceRecord]) -> None:
    """Store new rows, those of a new stack or the first steps of a walk; as they are read again their version is 1."""
    if rows:
        _INSERT.execute(tx.connection, [values(tx, row) for row in rows])


def of_stack(tx: Tx, stack_id: StackId) -> list[ResourceRecord]:
    """Return every row of the stack, also those that wait to be cleaned, oldest first."""
    return [record(tx, row) for row in tx.connection.execute(_OF_STACK, {"of": stack_id}).all()]


def named(tx: Tx, stack_id: StackId, name: str) -> list[ResourceRecord]:
    """Return the rows of one name, oldest first: more than one while a replacement is under way."""
    return [record(tx, row) for row in tx.connection.execute(_NAMED, {"of": stack_id, "called": name}).all()]


def of_names(tx: Tx, stack_id: StackId, names: Collection[str]) -> list[ResourceRecord]:
    """Return the rows of some names, oldest first."""
    if len(names) == 1:
        return named(tx, stack_id, next(iter(names)))
    found = tx.connection.execute(_OF_NAMES, {"of": stack_id, "called": sorted(names)}).all()
    return [record(tx, row) for row in found]


def by_physical_id(tx: Tx, physical_id: str) -> list[tuple[StackRecord, ResourceRecord]]:
    """Return what live stacks of all projects built under this provider's name, each with its stack; oldest first."""
    found = tx.connection.execute(_BY_PHYSICAL_ID, {"physical": physical_id})
    width = len(COLUMNS)
    return [(stacks.record(row[width:]), record(tx, row[:width])) for row in found]


def of_tree(tx: Tx, root_id: StackId) -> list[ResourceRecord]:
    """Return every row of a live root stack and of all that is nested in it, outer stacks first."""
    return [record(tx, row) for row in tx.connection.execute(_OF_TREE, {"root": root_id}).all()]


def count_in_tree(tx: Tx, root_id: StackId, *, but: StackId | None = None) -> int:
    """Return how many rows a live root stack and all that is nested in it have, `but` one stack of them.

    It is what max_resources_per_stack counts (engine.md §8.1).
    """
    counted: int = tx.connection.execute(_COUNT_IN_TREE, {"root": root_id, "but": but or ""}).scalar_one()
    return counted


def failed_in_tree(tx: Tx, root_id: StackId) -> set[StackId]:
    """Return the stacks of a tree in which a resource failed."""
    return {StackId(row[0]) for row in tx.connection.execute(_FAILED_IN_TREE, {"root": root_id})}


def values(tx: Tx, row: ResourceRecord) -> dict[str, Any]:
    """Return the columns of a record; the version is the next one, which this write makes true."""
    return {
        "id": row.id,
        "stack_id": row.stack_id,
        "name": row.name,
        "type": row.type,
        "implementation": row.implementation,
        "action": row.action.value,
        "status": row.status.value,
        "reason": storable(row.reason),
        "created_time": row.created_time,
        "updated_time": row.updated_time,
        "physical_id": row.physical_id,
        "requires": sorted(row.requires),
        "metadata": row.metadata,
        "deletion_policy": row.deletion_policy,
        "nested_stack_id": row.nested_stack_id,
        "definition_id": row.definition_id,
        "fingerprint": row.fingerprint,
        "secret": tx.keys.seal(_secret(row), _place(row.id)),
        "version": row.version + 1,
    }


def record(tx: Tx, row: Sequence[Any]) -> ResourceRecord:
    """Return the resource of a row of COLUMNS; raise INVALID_ENCRYPTION_KEY if no key opens its secrets."""
    (id_, stack_id, name, type_, implementation, action, status, reason, created, updated, *rest) = row
    (physical_id, requires, metadata, deletion_policy, nested, definition, fingerprint, sealed, version) = rest
    secret = tx.keys.unseal(sealed, _place(id_))
    return ResourceRecord(
        id=ResourceId(id_),
        stack_id=StackId(stack_id),
        name=name,
        type=type_,
        implementation=implementation,
        action=ACTIONS[action],
        status=STATUSES[status],
        reason=reason,
        created_time=created,
        updated_time=updated,
        physical_id=physical_id,
        reference=secret.get("reference"),
        properties=secret.get("properties", {}),
        pending=_pending(secret.get("pending")),
        requires=frozenset(requires),
        data=secret.get("data", {}),
        attributes=secret.get("attributes", {}),
        metadata=metadata,
        deletion_policy=deletion_policy,
        nested_stack_id=nested,
        definition_id=definition,
        fingerprint=fingerprint,
        hook=Hook(*secret["hook"]) if "hook" in secret else None,
        is_adopted=secret.get("is_adopted", False),
        performed_by=TraversalId(secret["performed_by"]) if "performed_by" in secret else None,
        is_unhealthy=secret.get("is_unhealthy", False),
        version=version,
    )


def _secret(row: ResourceRecord) -> dict[str, Any]:
    secret: dict[str, Any] = {
        "properties": row.properties,
        "data": row.data,
        "attributes": row.attributes,
    }
    filled = {name: value for name, value in secret.items() if value}
    if row.reference is not None:  # an empty text or map is a reference, too
        filled["reference"] = row.reference
    if row.hook is not None:
        filled["hook"] = (row.hook.point, row.hook.traversal, row.hook.is_cleared)
    if row.is_adopted:
        filled["is_adopted"] = True
    if row.performed_by is not None:
        filled["performed_by"] = row.performed_by
    if row.is_unhealthy:
        filled["is_unhealthy"] = True
    if (pending := row.pending) is not None:
        requires = sorted(pending.requires)
        due = pending.due.isoformat() if pending.due is not None else None
        filled["pending"] = (pending.properties, requires, pending.fingerprint, pending.token, due)
    return filled


def _pending(sealed: list[Any] | None) -> Pending | None:
    if sealed is None:
        return None
    properties, requires, fingerprint, token, due = sealed
    return Pending(properties, frozenset(requires), fingerprint, token, datetime.fromisoformat(due) if due else None)


def _place(resource_id: str) -> str:
    return f"resource {resource_id}"
