"""Stacks: inserted, begun, finished, found.

Called by usecases and runtime. Who may write: a caller's request through `insert` and `begin` (compare-and-set on the
walk), the walk itself through `finish` (fenced). A name is unique among the live stacks of a project because the
database says so; nothing here looks first. The statements of lists are in `stack_lists.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy import insert as insert_into

from engine.model.errors import Code, EngineError
from engine.model.ids import DefinitionId, StackId, TraversalId
from engine.model.records import EventRecord, Lock, Manner, StackRecord
from engine.model.states import Status
from engine.store import events, locks, paging, stack_lists
from engine.store.backends import insert_or_skip
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.resources import ResourceRow
from engine.store.tables.stacks import StackLockRow, StackRow, StackTagRow
from engine.store.types import ACTIONS, STATUSES, storable

STACK: Final = table_of(StackRow)
TAG: Final = table_of(StackTagRow)
LOCK: Final = table_of(StackLockRow)
RESOURCE: Final = table_of(ResourceRow)
COLUMNS: Final = (
    *(STACK.c.id, STACK.c.name, STACK.c.project, STACK.c.action, STACK.c.status, STACK.c.reason),
    *(STACK.c.definition_id, STACK.c.created_time, STACK.c.complete_definition_id, STACK.c.traversal),
    *(STACK.c.disable_rollback, STACK.c.timeout_mins, STACK.c.tags, STACK.c.description, STACK.c.username),
    *(STACK.c.user_project_id, STACK.c.owner_id, STACK.c.parent_resource, STACK.c.root_id),
    *(STACK.c.nested_depth, STACK.c.updated_time, STACK.c.deleted_time, STACK.c.manner),
)

# What a request writes when its operation begins, and what the walk writes when it ends.
_BOTH: Final = ("action", "status", "reason", "definition_id", "traversal", "description", "updated_time")
_BEGUN: Final = (*_BOTH, "manner", "disable_rollback", "timeout_mins", "tags", "username", "user_project_id")
_FINISHED: Final = (*_BOTH, "complete_definition_id", "deleted_time", "live_name", "event_count")

_AS_USUAL: Final = Manner()
_OF: Final = STACK.c.id == bindparam("of")
_LIVE: Final = STACK.c.deleted_time.is_(None)
_GET: Final = select(*COLUMNS).where(_OF)
_GET_LIVE: Final = _GET.where(_LIVE)
_HOLD: Final = _GET_LIVE.with_for_update()  # SQLite has one writer anyway and leaves it out
_BY_NAME: Final = select(*COLUMNS).where(
    STACK.c.project == bindparam("in_project"), STACK.c.live_name == bindparam("called")
)
_CHILDREN: Final = (
    select(*COLUMNS).where(STACK.c.owner_id == bindparam("owner"), _LIVE).order_by(STACK.c.created_time, STACK.c.id)
)
_CHILD_OF: Final = _CHILDREN.where(STACK.c.parent_resource == bindparam("resource")).limit(1)
_TREE: Final = (
    select(*COLUMNS)
    .where(or_(_OF, STACK.c.root_id == bindparam("of")), _LIVE)
    .order_by(STACK.c.nested_depth, STACK.c.created_time, STACK.c.id)
)
# Whoever ends a walk frees its lock in the same moment: one that is held tells that something is under way, too.
_UNFINISHED: Final = (
    select(*COLUMNS)
    .join_from(STACK, LOCK, LOCK.c.stack_id == STACK.c.id, isouter=True)
    .where(or_(STACK.c.status == Status.IN_PROGRESS.value, LOCK.c.engine_id.is_not(None)), _LIVE)
    .order_by(STACK.c.created_time, STACK.c.id)
)
_BEGIN: Final = (
    update(STACK)
    .where(_OF, _LIVE, STACK.c.traversal == bindparam("expected"))
    .values({name: bindparam(name) for name in _BEGUN})
)
_FINISH: Final = update(STACK).where(_OF).values({name: bindparam(name) for name in _FINISHED})
_ADD_TAGS: Final = insert_into(TAG)
_DROP_TAGS: Final = delete(TAG).where(TAG.c.stack_id == bindparam("of"))
_DROP_RESOURCES: Final = delete(RESOURCE).where(RESOURCE.c.stack_id == bindparam("of"))


@dataclass(frozen=True, slots=True)
class StackQuery:
    """Which stacks, in what order (rpc.md §3.1); by default the live root stacks, newest first."""

    project: str | None  # None: of all projects
    limit: int | None = None  # None: all
    marker: str | None = None  # id of the last stack of the page before; an unknown one is ignored
    sort_keys: Sequence[str] = ()  # those of stack_lists.SORTING; others are dropped
    sort_dir: str | None = None  # asc, desc
    filters: Mapping[str, Sequence[object]] = field(default_factory=dict)  # names of columns; any of the values
    show_deleted: bool = False
    show_nested: bool = False
    show_hidden: bool = False  # also those with one of the hidden tags
    hidden_tags: Sequence[str] = ()
    tags: Sequence[str] = ()  # has all of them
    tags_any: Sequence[str] = ()  # has one of them
    not_tags: Sequence[str] = ()  # has not all of them
    not_tags_any: Sequence[str] = ()  # has none of them


def insert(tx: Tx, stack: StackRecord) -> None:
    """Store a new stack; raise STACK_EXISTS where a live one of the project has the name."""
    values = {**_values(stack), "event_count": 0}
    if not tx.connection.execute(insert_or_skip(STACK, tx.dialect), values).rowcount:
        message = f"The Stack ({stack.name}) already exists."
        raise EngineError(Code.STACK_EXISTS, message, stack_name=stack.name)
    _add_tags(tx, stack)


def get(tx: Tx, stack_id: StackId, *, show_deleted: bool = False) -> StackRecord | None:
    """Return the stack; None: there is none, or it is deleted and those were not asked for."""
    row = tx.connection.execute(_GET if show_deleted else _GET_LIVE, {"of": stack_id}).one_or_none()
    return None if row is None else record(row)


def hold(tx: Tx, stack_id: StackId) -> StackRecord | None:
    """Return the live stack, and keep all others from writing it until the transaction ends; None: there is none."""
    row = tx.connection.execute(_HOLD, {"of": stack_id}).one_or_none()
    return None if row is None else record(row)


def by_name(tx: Tx, project: str, name: str) -> StackRecord | None:
    """Return the live stack of this name, nested ones too; None: there is none."""
    row = tx.connection.execute(_BY_NAME, {"in_project": project, "called": name}).one_or_none()
    return None if row is None else record(row)


def children(tx: Tx, owner_id: StackId) -> list[StackRecord]:
    """Return the live stacks that are nested directly in this one, oldest first."""
    return [record(row) for row in tx.connection.execute(_CHILDREN, {"owner": owner_id}).all()]


def child_of(tx: Tx, owner_id: StackId, parent_resource: str) -> StackRecord | None:
    """Return the oldest live stack that stands for a resource of its owner; None: there is none."""
    row = tx.connection.execute(_CHILD_OF, {"owner": owner_id, "resource": parent_resource}).one_or_none()
    return None if row is None else record(row)


def tree(tx: Tx, root_id: StackId) -> list[StackRecord]:
    """Return a live root stack and all that is nested in it, outer ones first."""
    return [record(row) for row in tx.connection.execute(_TREE, {"of": root_id}).all()]


def inside(tx: Tx, stack: StackRecord) -> list[StackId]:
    """Return the ids of the live stacks that are nested in a stack at any depth, outer ones first."""
    owners, inside = {stack.id}, []
    for one in tree(tx, stack.top_id):
        if one.owner_id in owners:
            owners.add(one.id)
            inside.append(one.id)
    return inside


def unfinished(tx: Tx) -> list[StackRecord]:
    """Return the live stacks, nested ones too, on which something is under way, oldest first."""
    return [record(row) for row in tx.connection.execute(_UNFINISHED).all()]


def page(tx: Tx, query: StackQuery) -> list[StackRecord]:
    """Return one page of stacks with their tags, in one statement, or two with a marker."""
    if query.limit == 0:
        return []
    order = stack_lists.SORTING.order(query.sort_keys, query.sort_dir)
    marker = paging.marker_values(tx, order, stack_lists.SORTED_BY, table=STACK, marker=query.marker)
    bound = {**_bound(query), **(marker or {})}
    if query.limit is not None:
        bound["at_most"] = query.limit
    statement = stack_lists.page(COLUMNS, _shape(query, has_marker=marker is not None), order)
    return [record(row) for row in tx.connection.execute(statement, bound).all()]


def count(tx: Tx, query: StackQuery) -> int:
    """Return how many stacks all pages show together; limit, marker and sorting do not matter."""
    statement = stack_lists.count(_shape(replace(query, limit=None), has_marker=False))
    counted: int = tx.connection.execute(statement, _bound(query)).scalar_one()
    return counted


def begin(tx: Tx, stack: StackRecord, *, expected: TraversalId) -> bool:
    """Write the begin of an operation if the walk is still `expected` and the stack lives; False: nothing written."""
    values = _values(stack)
    bound = {name: values[name] for name in _BEGUN}
    if not tx.connection.execute(_BEGIN, {**bound, "of": stack.id, "expected": expected}).rowcount:
        return False
    tx.connection.execute(_DROP_TAGS, {"of": stack.id})
    _add_tags(tx, stack)
    return True


@dataclass(frozen=True, slots=True)
class Ending:
    """How a walk ends, or where it turns and walks on."""

    stack: StackRecord  # as it is from then on
    event: EventRecord | None
    expected: TraversalId  # the walk that ends
    release: bool  # True: the lock is free in the same moment


def finish(tx: Tx, lock: Lock, ending: Ending) -> bool:
    """Write the end of a walk, its event and, when asked, the free lock, all or nothing.

    False: the lock is not ours any more or the walk is not the expected one; nothing was written. A stack whose
    `deleted_time` is set gives its name free and loses its resource rows.
    """
    count = locks.hold(tx, lock, ending.expected)
    if count is None:
        return False
    stack = ending.stack
    written = events.insert_after(tx, count, [ending.event] if ending.event else [])
    values = {**_values(stack), "event_count": count + len(written)}
    tx.connection.execute(_FINISH, {**{name: values[name] for name in _FINISHED}, "of": stack.id})
    if stack.deleted_time is not None:
        tx.connection.execute(_DROP_RESOURCES, {"of": stack.id})
    if ending.release:
        locks.release(tx, lock)
    return True


def record(row: Sequence[Any]) -> StackRecord:
    """Return the stack of a row of COLUMNS."""
    (id_, name, project, action, status, reason, definition, created, complete, traversal, *rest) = row
    (disable_rollback, timeout_mins, tags, description, username, user_project_id, *rest) = rest
    (owner, parent_resource, root, nested_depth, updated, deleted, manner) = rest
    return StackRecord(
        id=StackId(id_),
        name=name,
        project=project,
        action=ACTIONS[action],
        status=STATUSES[status],
        reason=reason,
        definition_id=DefinitionId(definition),
        created_time=created,
        complete_definition_id=complete,
        traversal=TraversalId(traversal),
        disable_rollback=disable_rollback,
        timeout_mins=timeout_mins,
        tags=tuple(tags),
        description=description,
        username=username,
        user_project_id=user_project_id,
        owner_id=owner,
        parent_resource=parent_resource,
        root_id=root,
        nested_depth=nested_depth,
        updated_time=updated,
        deleted_time=deleted,
        manner=_manner(manner),
    )


def _manner(stored: Mapping[str, Any] | None) -> Manner:
    if stored is None:
        return _AS_USUAL
    retain, observe = stored.get("retain", False), stored.get("observe", False)
    skip, unattended = frozenset(stored.get("skip", ())), stored.get("unattended", False)
    return Manner(retain=retain, observe=observe, skip=skip, unattended=unattended)


def _stored_manner(manner: Manner) -> dict[str, Any] | None:
    if manner == _AS_USUAL:
        return None
    told = {"retain": manner.retain, "observe": manner.observe, "skip": sorted(manner.skip)}
    told["unattended"] = manner.unattended
    return {name: value for name, value in told.items() if value}


def _shape(query: StackQuery, *, has_marker: bool) -> stack_lists.Shape:
    present = {
        "in_project": query.project is not None,
        "deleted": query.show_deleted,
        "nested": query.show_nested,
        "hidden": bool(query.hidden_tags) and not query.show_hidden,
        "any": bool(query.tags_any),
        "without_any": bool(query.not_tags_any),
        "marker": has_marker,
        "at_most": query.limit is not None,
    }
    has = frozenset(name for name, is_present in present.items() if is_present)
    return stack_lists.Shape(tuple(query.filters), has, len(query.tags), len(query.not_tags))


def _bound(query: StackQuery) -> dict[str, Any]:
    """Return the values of a question under the names of `stack_lists`; a statement ignores what it does not name."""
    bound = paging.bind_filters(query.filters, STACK, stack_lists.FILTERED_BY)
    bound.update((f"t{i}", tag) for i, tag in enumerate(query.tags))
    bound.update((f"n{i}", tag) for i, tag in enumerate(query.not_tags))
    return {
        **bound,
        "in_project": query.project,
        "any": list(query.tags_any),
        "without_any": list(query.not_tags_any),
        "hidden": list(query.hidden_tags),
    }


def _values(stack: StackRecord) -> dict[str, Any]:
    return {
        "id": stack.id,
        "name": stack.name,
        "live_name": stack.name if stack.deleted_time is None else None,
        "project": stack.project,
        "action": stack.action.value,
        "status": stack.status.value,
        "reason": storable(stack.reason),
        "definition_id": stack.definition_id,
        "complete_definition_id": stack.complete_definition_id,
        "traversal": stack.traversal,
        "disable_rollback": stack.disable_rollback,
        "timeout_mins": stack.timeout_mins,
        "tags": list(stack.tags),
        "description": stack.description,
        "username": stack.username,
        "user_project_id": stack.user_project_id,
        "owner_id": stack.owner_id,
        "parent_resource": stack.parent_resource,
        "root_id": stack.root_id,
        "nested_depth": stack.nested_depth,
        "created_time": stack.created_time,
        "updated_time": stack.updated_time,
        "deleted_time": stack.deleted_time,
        "manner": _stored_manner(stack.manner),
    }


def _add_tags(tx: Tx, stack: StackRecord) -> None:
    if stack.tags:
        rows = [{"stack_id": stack.id, "tag": tag} for tag in dict.fromkeys(stack.tags)]
        tx.connection.execute(_ADD_TAGS, rows)
