"""Snapshots taken away: with them goes what the resources of their stack have saved for them.

Called by the use case that deletes a snapshot (`begin`), by the walk that deletes a stack (`discard`), and periodically
(`sweep`). The stack's lock is not taken: nothing is touched that belongs to a walk. A removal that was cut short is
made again from its beginning, as the types' `delete_snapshot` is repeatable; so two engines that make the same one do
no harm.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from engine.model.errors import Code, EngineError
from engine.model.ids import ResourceId, SnapshotId, StackId
from engine.model.records import ResourceRecord, SnapshotRecord, StackRecord
from engine.model.states import Action, State, Status
from engine.plan import reasons, saved
from engine.plan.saved import Saved
from engine.plugin.context import Context
from engine.plugin.resource_type import ResourceType
from engine.runtime.declared import Declared
from engine.runtime.errand import PortsFor
from engine.runtime.thread_groups import ThreadGroupManager
from engine.schema.properties import PropertyValues
from engine.store import database, resources, snapshots, stacks
from engine.store.database import Database, Tx
from engine.template import environment, registry
from engine.template.target import EMPTY, Target

log = logging.getLogger(__name__)

_DELETING: Final = State(Action.DELETE, Status.IN_PROGRESS)

_Thing = tuple[StackId, str, str | None]  # the stack that a resource is in, its name, its physical id


class NotRemoved(EngineError):
    """Something that was saved could not be taken away; the text is the reason, as the user reads it."""

    def __init__(self, reason: str) -> None:
        super().__init__(Code.RESOURCE_FAILURE, reason)


@dataclass(frozen=True, slots=True)
class Removals:
    """Takes snapshots away."""

    db: Database
    declared: Declared
    ports_for: PortsFor
    groups: ThreadGroupManager
    _under_way: set[SnapshotId] = field(default_factory=set)  # in this engine; a sweep leaves them alone

    def begin(self, stack: StackRecord, snapshot: SnapshotRecord) -> None:
        """Remove a snapshot in the stack's group; its row, which reads DELETE_IN_PROGRESS by now, goes last."""
        if snapshot.id not in self._under_way:
            self._under_way.add(snapshot.id)
            task = self.groups.start(stack.id, self._carry_out, stack, snapshot)
            task.add_done_callback(lambda _: self._under_way.discard(snapshot.id))

    def discard(self, stack: StackRecord, snapshot_id: SnapshotId) -> None:
        """Remove a snapshot of a stack that is deleted, whatever its state; raise NotRemoved if it could not be."""

        def begin(tx: Tx) -> SnapshotRecord | None:
            snapshots.begin_delete(tx, snapshot_id)
            return snapshots.get(tx, snapshot_id)

        snapshot = database.retrying(self.db, begin)
        if snapshot is not None:
            self._remove_whole(stack, snapshot)

    def remove(self, stack: StackRecord, snapshot: SnapshotRecord) -> None:
        """Take away all that was saved for a snapshot of the stack, nested resources too; its row is the caller's.

        Raise NotRemoved if something of it is still there. Calls resource types, so no transaction may be open.
        """
        scene = self._scene(stack, snapshot)
        failed = []
        for one in scene.found:
            try:
                scene.take_away(one, self.ports_for)
            except Exception as error:
                path = ".resources.".join(one.way)
                log.debug("what %s has saved for snapshot %s is still there", path, snapshot.id, exc_info=True)
                failed.append(reasons.of_resource(path, error))
        if failed:
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            raise NotRemoved(failed[0] + more)

    def sweep(self) -> int:
        """Take up the removals that were cut short; return how many are not finished."""
        with self.db.read() as tx:
            unfinished = snapshots.unfinished_deletes(tx)
            owners = {one.stack_id: stacks.get(tx, one.stack_id, show_deleted=True) for one in unfinished}
        for snapshot in unfinished:
            stack = owners[snapshot.stack_id]
            if stack is not None and stack.state != _DELETING:  # else its walk sees to it
                self.begin(stack, snapshot)
        return len(unfinished)

    def _carry_out(self, stack: StackRecord, snapshot: SnapshotRecord) -> None:
        try:
            self._remove_whole(stack, snapshot)
        except NotRemoved as error:
            log.info("snapshot %s could not be removed: %s", snapshot.id, error)
        except EngineError as error:  # the database is away: a sweep takes it up again
            log.warning("snapshot %s could not be removed yet: %s", snapshot.id, error)
        except Exception as error:  # a bug in the engine must be seen, and not be met again with every sweep
            log.exception("snapshot %s could not be removed", snapshot.id)
            self._fail(snapshot, f"{type(error).__name__}: {error}")

    def _remove_whole(self, stack: StackRecord, snapshot: SnapshotRecord) -> None:
        """Take away what was saved, then the row; raise NotRemoved if that failed, which the row then tells."""
        try:
            self.remove(stack, snapshot)
        except NotRemoved as error:
            self._fail(snapshot, str(error))
            raise
        database.retrying(self.db, lambda tx: snapshots.delete(tx, snapshot.id))

    def _fail(self, snapshot: SnapshotRecord, reason: str) -> None:
        database.retrying(self.db, lambda tx: snapshots.fail_delete(tx, snapshot.id, reason))

    def _scene(self, stack: StackRecord, snapshot: SnapshotRecord) -> _Scene:
        with self.db.read() as tx:
            siblings = [] if saved.is_whole(snapshot) else snapshots.of_stack(tx, stack.id)
            found = saved.of_snapshot(snapshot, (one for one in siblings if one.id != snapshot.id))
            if not found:
                return _Scene(self.declared, stack, found)
            tree = {one.id: one for one in (*stacks.tree(tx, stack.top_id), stack)}
            there = {_stack_id(one, stack) for one in found} & tree.keys()
            return _Scene(
                self.declared,
                stack,
                found,
                tree=tree,
                rows={_thing(row): row for row in resources.of_tree(tx, stack.top_id)},
                targets={id_: _target(tx, self.declared, tree[id_]) for id_ in there},
            )


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is to be taken away, and what is still there of where it was saved."""

    declared: Declared
    stack: StackRecord  # the outermost
    found: Sequence[Saved]
    tree: Mapping[StackId, StackRecord] = field(default_factory=dict)
    rows: Mapping[_Thing, ResourceRecord] = field(default_factory=dict)
    targets: Mapping[StackId, Target] = field(default_factory=dict)

    def take_away(self, one: Saved, ports_for: PortsFor) -> None:
        """Have the type take away what one resource saved; raise whatever it raises."""
        implementation = self._implementation(one)
        plugin = self.declared.registry.get(implementation)
        if type(plugin).delete_snapshot is ResourceType.delete_snapshot:
            return  # it saves nothing
        stack, target = self._stack(one), self.targets.get(_stack_id(one, self.stack), EMPTY)
        row = self._row(one, stack, implementation)
        ctx = Context(
            stack=stack,
            record=row,
            action=Action.DELETE,
            properties=PropertyValues(row.properties),
            files=target.files,
            ports=ports_for(stack, row, target),
        )
        plugin.delete_snapshot(ctx, one.data)

    def _implementation(self, one: Saved) -> str:
        """Return the registered type behind the type that the template said; the name itself if nothing is."""
        given = environment.from_map(one.stack["environment"])
        operator = self.declared.outside.operator
        search = registry.search_of(given, is_known=self._is_known, operator=operator)
        return registry.resolve_type(search, one.name, one.entry["type"])

    def _is_known(self, type_name: str) -> bool:
        return self.declared.registry.find(type_name) is not None

    def _stack(self, one: Saved) -> StackRecord:
        """Return the stack that the resource is in, or where that is gone, what is known of it."""
        id_ = _stack_id(one, self.stack)
        known = self.tree.get(id_)
        if known is not None:
            return known
        depth = self.stack.nested_depth + len(one.way) - 1
        return replace(self.stack, id=id_, name=one.stack["name"], root_id=self.stack.top_id, nested_depth=depth)

    def _row(self, one: Saved, stack: StackRecord, implementation: str) -> ResourceRecord:
        """Return the row of the thing that saved something, or where that is gone, what is known of it."""
        thing = (stack.id, one.name, one.entry["resource_id"])
        if thing in self.rows:
            return self.rows[thing]
        return ResourceRecord(
            id=ResourceId(str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, thing))))),
            stack_id=stack.id,
            name=one.name,
            type=one.entry["type"],
            implementation=implementation,
            action=Action.DELETE,
            status=Status.COMPLETE,
            reason="",
            created_time=stack.created_time,
            physical_id=one.entry["resource_id"],
            data=one.data,
            metadata=one.entry["metadata"],
        )


def _thing(row: ResourceRecord) -> _Thing:
    return row.stack_id, row.name, row.physical_id


def _stack_id(one: Saved, outermost: StackRecord) -> StackId:
    return StackId(one.stack["id"]) if len(one.way) > 1 else outermost.id


def _target(tx: Tx, declared: Declared, stack: StackRecord) -> Target:
    """Return what a stack declares; nothing where that is valid no more, which must keep nothing from being removed."""
    try:
        return declared.stored(tx, stack)
    except EngineError:
        return EMPTY
