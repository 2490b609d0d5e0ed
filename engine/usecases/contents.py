"""What stands in a stack, as callers see it: the rows that were built, and what is declared and not reached yet.

Used by the use cases of resources, inside their transaction. Resources come in the order of the template, then those
that it does not declare any more and that wait to be cleaned away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.model.errors import Code, EngineError
from engine.model.ids import ResourceId, StackId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import breakpoints, standing
from engine.runtime.declared import Declared
from engine.store import resources, stacks
from engine.store.database import Tx
from engine.template import target as targets
from engine.template.target import Declaration, Target
from engine.usecases.views import ResourceView


@dataclass(frozen=True, slots=True)
class Content:
    """The resources of one stack, without details."""

    stack: StackRecord
    target: Target  # what says how the resources hang together
    views: Sequence[ResourceView]


def read(tx: Tx, declared: Declared, stack: StackRecord, *, only: str = "") -> Content:
    """Return what is in a stack; with `only`, no more than the resource of that name is looked up."""
    rows = resources.named(tx, stack.id, only) if only else resources.of_stack(tx, stack.id)
    nested = {child.id: child for child in stacks.children(tx, stack.id)}
    content = _content(tx, declared, stack, rows=rows, nested=nested)
    if not only:
        return content
    return Content(stack, content.target, [view for view in content.views if view.record.name == only])


def not_found(stack: StackRecord, name: str) -> EngineError:
    """Return the error for a resource that the stack neither has nor declares."""
    text = f"The Resource ({name}) could not be found in Stack {stack.name}."
    return EngineError(Code.RESOURCE_NOT_FOUND, text, resource_name=name, stack_name=stack.name)


def read_tree(tx: Tx, declared: Declared, stack: StackRecord, depth: int) -> list[Content]:
    """Return what is in a stack and in the stacks nested in it down to a depth, level by level."""
    if depth == 0 or stack.deleted_time is not None:
        return [read(tx, declared, stack)]
    tree = {one.id: one for one in stacks.tree(tx, stack.top_id)}
    rows: dict[StackId, list[ResourceRecord]] = defaultdict(list)
    for row in resources.of_tree(tx, stack.top_id):
        rows[row.stack_id].append(row)
    found, level = [], [stack]
    for _ in range(depth + 1):
        contents = [_content(tx, declared, one, rows=rows[one.id], nested=tree) for one in level]
        found += contents
        level = [tree[StackId(view.nested.stack_id)] for content in contents for view in content.views if view.nested]
    return found


def _content(
    tx: Tx,
    declared: Declared,
    stack: StackRecord,
    *,
    rows: Sequence[ResourceRecord],
    nested: Mapping[StackId, StackRecord],
) -> Content:
    target = _target(tx, declared, stack)
    shown = standing.by_name(rows)
    declarations = target.declarations
    if stack.deleted_time is not None or stack.target_id is not None:
        records = {name: shown.get(name) or _without_row(stack, one) for name, one in declarations.items()}
    else:  # the walk leads to nothing: only what is still there
        records = {name: shown[name] for name in declarations if name in shown}
    records |= {name: row for name, row in shown.items() if name not in declarations}
    needed_by = _needed_by(declarations.values(), rows)
    hooks = _hooks(stack, (*rows, *shown.values()))
    views = []
    for name, record in records.items():
        inner = nested.get(record.nested_stack_id) if record.nested_stack_id else None
        views.append(
            ResourceView(
                stack,
                record,
                required_by=sorted(needed_by.get(name, ())),
                nested=inner.identity if inner else None,
                description=declarations[name].description if name in declarations else "",
                hook=hooks.get(name, ""),
            )
        )
    return Content(stack, target, views)


def _target(tx: Tx, declared: Declared, stack: StackRecord) -> Target:
    """Return what the stack walks to, or where that is nothing, what its definition declares.

    A definition that is valid no more, because a type is gone, must not hide the rows that are there.
    """
    try:
        return declared.walked(tx, stack) if stack.target_id is not None else declared.stored(tx, stack)
    except EngineError:
        return targets.EMPTY


def _needed_by(declarations: Iterable[Declaration], rows: Sequence[ResourceRecord]) -> Mapping[str, set[str]]:
    """Return for each name the names that directly need it: by declaration, and by what rows were built against."""
    found: dict[str, set[str]] = defaultdict(set)
    declared = set()
    for declaration in declarations:
        declared.add(declaration.name)
        for name in declaration.requires:
            found[name].add(declaration.name)
    names = {row.id: row.name for row in rows}
    for row in rows:
        for id_ in row.requires:
            if id_ in names and names[id_] not in declared:
                found[names[id_]].add(row.name)
    return found


def _hooks(stack: StackRecord, rows: Iterable[ResourceRecord]) -> Mapping[str, str]:
    """Return for each name the hook at which a row of it waits; of several the last. It may be one that is replaced."""
    points = ((row.name, breakpoints.waiting_at(row, stack.traversal)) for row in rows)
    return {name: point for name, point in points if point}


def _without_row(stack: StackRecord, declaration: Declaration) -> ResourceRecord:
    """Return a declared resource as it reads before a walk reaches it, or after its stack is deleted."""
    deleted = stack.deleted_time is not None
    return ResourceRecord(
        id=ResourceId(""),
        stack_id=stack.id,
        name=declaration.name,
        type=declaration.type,
        implementation=declaration.implementation,
        action=Action.DELETE if deleted else Action.INIT,
        status=Status.COMPLETE,
        reason="",
        created_time=stack.created_time,
        updated_time=stack.deleted_time,
    )
