"""Snapshots: taken, shown, listed, removed, and come back to (rpc.md §2.5, §3.6, §4.3).

Taking one and coming back to it are walks of the stack. A snapshot has the id of the walk that takes it, so the end of
that walk knows which one it completes. Removing one goes on beside whatever the stack does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.model.ids import DefinitionId, SnapshotId, StackId, StackIdentity, TraversalId
from engine.model.records import Caller, Definition, Json, SnapshotRecord, StackRecord
from engine.model.states import Action, State, Status
from engine.plan import saved
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.runtime.snapshots import Removals
from engine.runtime.traversals import Traversals
from engine.store import database, snapshots, templates
from engine.store.database import Database, Tx
from engine.template import environment
from engine.usecases import access, beginnings, limits
from engine.usecases.beginnings import Beginning
from engine.usecases.limits import Limits
from engine.usecases.once import Once
from engine.usecases.services import ADMIN

_TAKING: Final = State(Action.CREATE, Status.IN_PROGRESS)
_TAKEN: Final = State(Action.CREATE, Status.COMPLETE)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The use cases of snapshots."""

    db: Database
    declared: Declared
    traversals: Traversals
    logbook: Logbook
    removals: Removals
    limits: Limits

    def take(self, caller: Caller, identity: StackIdentity, name: str = "", request_id: str = "") -> SnapshotRecord:
        """Begin to take a snapshot of a stack on which nothing is under way, and return it as it begins.

        Raise ActionInProgress, or REQUEST_LIMIT_EXCEEDED for other than administrators.
        """
        limits.check_snapshot_name(name)
        once = Once.of(caller, "StackSnapshot", (identity, name), request_id)

        def store(tx: Tx) -> StackRecord:
            stack = beginnings.held(tx, access.resolve(tx, caller, identity).id)
            beginnings.check_at_rest(stack)
            self._check_count(tx, caller, stack)
            begun = Beginning(stack.id, Action.SNAPSHOT).store(tx, self.logbook)
            snapshots.insert(tx, _begun(begun, name))
            return begun

        def answer(begun: StackRecord) -> Json:
            return _remembered(_begun(begun, name))

        return _answered(once.answer(self.db, lambda: answer(self.traversals.begin(once.kept(store, answer)))))

    def show(self, caller: Caller, identity: StackIdentity, snapshot_id: str) -> SnapshotRecord:
        """Return a snapshot of a stack; raise SNAPSHOT_NOT_FOUND."""
        with self.db.read() as tx:
            return _find(tx, access.resolve(tx, caller, identity), snapshot_id)

    def list(
        self, caller: Caller, identity: StackIdentity, *, limit: int | None = None, marker: str = ""
    ) -> tuple[list[SnapshotRecord], str]:
        """Return a page of a stack's snapshots, newest first, and the marker of the next page; "": there is none."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity)
            more = None if limit is None else limit + 1  # one more than asked tells whether there is another page
            found = snapshots.of_stack(tx, stack.id, limit=more if limit else limit, marker=marker)
        page = found[:limit]
        return page, page[-1].id if len(found) > len(page) else ""

    def delete(self, caller: Caller, identity: StackIdentity, snapshot_id: str, request_id: str = "") -> None:
        """Begin to remove a snapshot with all that was saved for it; one that is being removed goes on.

        Raise SNAPSHOT_NOT_FOUND, or INVALID_SNAPSHOT_STATE while it is being taken.
        """
        once = Once.of(caller, "DeleteSnapshot", (identity, snapshot_id), request_id)

        def store(tx: Tx) -> tuple[StackRecord, SnapshotRecord] | None:
            stack = beginnings.held(tx, access.resolve(tx, caller, identity).id)
            _check_can_delete(tx, stack, _find(tx, stack, snapshot_id))
            begun = snapshots.begin_delete(tx, SnapshotId(snapshot_id))
            return (stack, _find(tx, stack, snapshot_id)) if begun else None

        def work() -> None:
            begun = database.retrying(self.db, once.kept(store))
            if begun is not None:
                self.removals.begin(*begun)

        once.answer(self.db, work)

    def restore(self, caller: Caller, identity: StackIdentity, snapshot_id: str, request_id: str = "") -> None:
        """Begin to bring a stack back to a snapshot: what it declared then, and what its resources saved for it.

        Its timeout and whether it rolls back stay, its tags go. Raise SNAPSHOT_NOT_FOUND, INVALID_SNAPSHOT_STATE unless
        the snapshot is complete, ActionInProgress, or TemplateInvalid if what it declared can't be any more.
        """
        once = Once.of(caller, "StackRestore", (identity, snapshot_id), request_id)

        def ready(tx: Tx) -> tuple[StackRecord, SnapshotRecord]:
            stack = access.resolve(tx, caller, identity)
            snapshot = _find(tx, stack, snapshot_id)
            _check_is_complete(snapshot)
            beginnings.check_at_rest(stack)
            return stack, snapshot

        def work() -> None:
            with self.db.read() as tx:
                stack, snapshot = ready(tx)
                stored = templates.load(tx, stack.definition_id)
            beginning = self._restoring(stack, snapshot, stored)

            def store(tx: Tx) -> StackRecord:
                beginnings.held(tx, stack.id)
                ready(tx)  # again: the snapshot may be about to go by now
                return beginning.store(tx, self.logbook)

            self.traversals.begin(once.kept(store))

        once.answer(self.db, work)

    def _check_count(self, tx: Tx, caller: Caller, stack: StackRecord) -> None:
        if ADMIN not in caller.roles:
            most = self.limits.max_snapshots_per_stack
            limits.check_count(snapshots.count(tx, stack.id) + 1, most, "snapshots of one stack")

    def _restoring(self, stack: StackRecord, snapshot: SnapshotRecord, stored: Definition) -> Beginning:
        """Return the beginning of a walk that leads to a snapshot; raise TemplateInvalid as an update does."""
        data = snapshot.data
        definition = Definition(
            id=DefinitionId(self.logbook.new_id()),
            template=data["template"],
            files=data["files"],
            environment=environment.from_map(data["environment"]).as_map(),
            facade=stored.facade,
            restored=saved.by_name(data),
        )
        target = self.declared.check(stack, definition)
        limits.check_count(len(target.declarations), self.limits.max_resources_per_stack, "resources in one stack")
        definition = self.declared.pinned(stack, definition, target)
        changed = partial(replace, tags=(), description=target.template.description)
        return Beginning(stack.id, Action.RESTORE, definition, changed)


def _find(tx: Tx, stack: StackRecord, snapshot_id: str) -> SnapshotRecord:
    """Return a snapshot of the stack; one of another stack is not found, so that ids can't be probed."""
    found = snapshots.get(tx, SnapshotId(snapshot_id))
    if found is None or found.stack_id != stack.id:
        text = f"The Snapshot ({snapshot_id}) of Stack {stack.name} could not be found."
        raise EngineError(Code.SNAPSHOT_NOT_FOUND, text, snapshot=snapshot_id, stack_name=stack.name)
    return found


def _check_can_delete(tx: Tx, stack: StackRecord, snapshot: SnapshotRecord) -> None:
    """Raise INVALID_SNAPSHOT_STATE while a walk takes the snapshot; one whose walk was given up is failed."""
    if State(snapshot.action, snapshot.status) != _TAKING:
        return
    if stack.status is Status.IN_PROGRESS and stack.traversal == TraversalId(snapshot.id):
        raise _invalid_state(snapshot, "Deleting in-progress snapshot is not supported.")
    snapshots.complete(tx, snapshot.id, status=Status.FAILED, reason="Its walk was given up", data=snapshot.data)


def _check_is_complete(snapshot: SnapshotRecord) -> None:
    if State(snapshot.action, snapshot.status) != _TAKEN:
        raise _invalid_state(snapshot, "Restoring incomplete snapshot is not supported.")


def _invalid_state(snapshot: SnapshotRecord, text: str) -> EngineError:
    state = State(snapshot.action, snapshot.status)
    return EngineError(Code.INVALID_SNAPSHOT_STATE, text, snapshot=snapshot.id, state=str(state))


def _begun(stack: StackRecord, name: str) -> SnapshotRecord:
    """Return the snapshot that a walk begins to take, as it begins."""
    return SnapshotRecord(
        id=SnapshotId(stack.traversal),
        stack_id=stack.id,
        name=name,
        project=stack.project,
        action=_TAKING.action,
        status=_TAKING.status,
        reason=stack.reason,
        created_time=stack.updated_time or stack.created_time,
    )


def _remembered(snapshot: SnapshotRecord) -> dict[str, str]:
    """Return what there is to remember of the answer to a request."""
    return {
        "id": snapshot.id,
        "stack_id": snapshot.stack_id,
        "name": snapshot.name,
        "project": snapshot.project,
        "reason": snapshot.reason,
        "created_time": snapshot.created_time.isoformat(),
    }


def _answered(answer: dict[str, Any]) -> SnapshotRecord:
    """Return the answer to a request, from what is remembered of it."""
    return SnapshotRecord(
        id=SnapshotId(answer["id"]),
        stack_id=StackId(answer["stack_id"]),
        name=answer["name"],
        project=answer["project"],
        action=_TAKING.action,
        status=_TAKING.status,
        reason=answer["reason"],
        created_time=datetime.fromisoformat(answer["created_time"]),
    )
