"""The statements behind lists of stacks: which are shown, and in what order (rpc.md §1.6, §3.1).

Called by `stacks.page` and `stacks.count`. What a reader could not guess: a statement is built once per *shape* of
question (which filters, which sorting, a marker or none) and kept, only values are bound; so the second page costs
neither building nor compiling. The names of the bound values stand beside the conditions that use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, not_, select

from engine.store import paging
from engine.store.tables.declarative import table_of
from engine.store.tables.stacks import StackRow, StackTagRow
from engine.store.types import UtcTime

STACK: Final = table_of(StackRow)
TAG: Final = table_of(StackTagRow)

SORTING: Final = paging.Sorting(
    known={
        "stack_name": "name",
        "stack_status": "status",
        "creation_time": "created_time",
        "name": "name",
        "status": "status",
        "created_time": "created_time",
        "updated_time": "updated_time",
    },
    default="created_time",
    unique="id",
)
SORTED_BY: Final[paging.Columns] = {
    "name": STACK.c.name,
    "status": STACK.c.status,
    "created_time": STACK.c.created_time,
    # Databases disagree on where NULL sorts, and nothing comes after it.
    "updated_time": func.coalesce(STACK.c.updated_time, STACK.c.created_time, type_=UtcTime()),
    "id": STACK.c.id,
}
FILTERED_BY: Final = frozenset(
    (
        "id",
        "name",
        "project",
        "action",
        "status",
        "reason",
        "disable_rollback",
        "timeout_mins",
        "username",
        "owner_id",
        "user_project_id",
        "root_id",
        "parent_resource",
        "nested_depth",
    )
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a question consists of, without its values."""

    filters: tuple[str, ...]
    has: frozenset[str]  # in_project, deleted, nested, hidden, any, without_any, marker, at_most
    all_tags: int  # how many; each has a condition of its own, bound as t0, t1, …
    not_all_tags: int  # the same, as n0, n1, …


@lru_cache(maxsize=256)
def page(columns: tuple[ColumnElement[Any], ...], shape: Shape, order: paging.Order) -> Select[Any]:
    """Return the statement of one page."""
    statement = select(*columns).where(*_conditions(shape)).order_by(*paging.ordering(order, SORTED_BY))
    if "marker" in shape.has:
        statement = statement.where(paging.after_marker(order, SORTED_BY))
    if "at_most" in shape.has:
        statement = statement.limit(bindparam("at_most"))
    return statement


@lru_cache(maxsize=256)
def count(shape: Shape) -> Select[Any]:
    """Return the statement that counts what all pages together show."""
    return select(func.count()).select_from(STACK).where(*_conditions(shape))


def _conditions(shape: Shape) -> list[ColumnElement[bool]]:
    conditions = paging.matches(shape.filters, STACK)
    if "in_project" in shape.has:
        conditions.append(STACK.c.project == bindparam("in_project"))
    if "deleted" not in shape.has:
        conditions.append(STACK.c.deleted_time.is_(None))
    if "nested" not in shape.has:
        conditions.append(STACK.c.owner_id.is_(None))
    return [*conditions, *_tag_conditions(shape)]


def _tag_conditions(shape: Shape) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_tagged(f"t{i}") for i in range(shape.all_tags)]
    if "any" in shape.has:
        conditions.append(_tagged_any("any"))
    if shape.not_all_tags:
        conditions.append(not_(and_(*(_tagged(f"n{i}") for i in range(shape.not_all_tags)))))
    # Hidden tags are one more set of which a shown stack has none.
    conditions.extend(~_tagged_any(name) for name in ("without_any", "hidden") if name in shape.has)
    return conditions


def _tagged(name: str) -> ColumnElement[bool]:
    return exists().where(TAG.c.stack_id == STACK.c.id, TAG.c.tag == bindparam(name))


def _tagged_any(name: str) -> ColumnElement[bool]:
    return exists().where(TAG.c.stack_id == STACK.c.id, TAG.c.tag.in_(bindparam(name, expanding=True)))
