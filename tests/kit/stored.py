"""Records as the store gets them, built short: a test names only what it is about."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model.ids import DefinitionId, EngineId, EventId, ResourceId, StackId, TraversalId
from engine.model.records import STACK_TYPE, Definition, EventRecord, Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.store import locks, resources, stacks, templates, walks
from engine.store.database import Database, Tx

START = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)
ENGINE = EngineId("engine-one")
WALK = TraversalId("walk-one")


def new_id() -> str:
    return str(uuid.uuid4())


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def definition(**changes: Any) -> Definition:
    return Definition(**{"id": DefinitionId(new_id()), "template": "heat_template_version: 2021-04-16", **changes})


def stack(**changes: Any) -> StackRecord:
    """Return a stack; before it is inserted its definition has to be."""
    known: dict[str, Any] = {
        "id": StackId(new_id()),
        "name": f"stack-{new_id()}",
        "project": "p",
        "action": Action.CREATE,
        "status": Status.IN_PROGRESS,
        "reason": "Stack CREATE started",
        "definition_id": DefinitionId("d"),
        "created_time": START,
        "traversal": WALK,
    }
    return StackRecord(**{**known, **changes})


def inserted(tx: Tx, **changes: Any) -> StackRecord:
    """Return a stack that is stored, with a definition of its own unless one is named."""
    record = stack(**changes)
    if "definition_id" not in changes:
        own = definition()
        templates.save(tx, own)
        record = replace(record, definition_id=own.id)
    stacks.insert(tx, record)
    return record


def walked(tx: Tx, **changes: Any) -> tuple[StackRecord, Lock]:
    """Return a stored stack and its lock, held by ENGINE."""
    record = inserted(tx, **changes)
    lock = locks.acquire(tx, record.id, ENGINE)
    assert isinstance(lock, Lock)
    return record, lock


def resource(owner: StackRecord, name: str = "web", **changes: Any) -> ResourceRecord:
    known: dict[str, Any] = {
        "id": ResourceId(new_id()),
        "stack_id": owner.id,
        "name": name,
        "type": "OS::Heat::Value",
        "implementation": "OS::Heat::Value",
        "action": Action.CREATE,
        "status": Status.IN_PROGRESS,
        "reason": "state changed",
        "created_time": START,
    }
    return ResourceRecord(**{**known, **changes})


def event(owner: StackRecord, name: str = "", **changes: Any) -> EventRecord:
    known: dict[str, Any] = {
        "id": EventId(new_id()),
        "stack_id": owner.id,
        "stack_name": owner.name,
        "project": owner.project,
        "root_id": owner.top_id,
        "time": START,
        "resource_name": name or owner.name,
        "resource_type": "OS::Heat::Value" if name else STACK_TYPE,
        "action": Action.CREATE,
        "status": Status.IN_PROGRESS,
        "reason": "state changed",
    }
    return EventRecord(**{**known, **changes})


def step(lock: Lock, row: ResourceRecord, owner: StackRecord, **changes: Any) -> walks.Step:
    """Return the step that writes a row, with an event."""
    known: dict[str, Any] = {
        "lock": lock,
        "traversal": owner.traversal,
        "row": row,
        "event": event(owner, row.name),
    }
    return walks.Step(**{**known, **changes})


def stored(database: Database, owner: StackRecord) -> list[ResourceRecord]:
    with database.read() as tx:
        return resources.of_stack(tx, owner.id)
