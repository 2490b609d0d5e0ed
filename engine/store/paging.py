"""Sorting and keyset paging, the same for stacks, events and what else is listed (rpc.md §1.6).

Called by the modules of store that have a `page`. A page starts strictly after its marker in sort order, so rows that
come or go meanwhile neither repeat nor hide others, and page 500 costs what page 1 costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, UnaryExpression, bindparam, select, tuple_

from engine.model.errors import Code, EngineError
from engine.store.database import Tx

Columns = Mapping[str, ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """Names of the columns to sort by, the unique one last, and the direction of all of them."""

    keys: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Sorting:
    """What a list can be sorted by."""

    known: Mapping[str, str]  # what a caller may say -> name of the column
    default: str  # newest first when nothing is asked for
    unique: str  # decides between equals

    def order(self, sort_keys: Sequence[str], sort_dir: str | None) -> Order:
        """Return the order asked for; unknown keys are dropped; raise INVALID_ARGUMENT for an unknown direction."""
        if sort_dir not in (None, "", "asc", "desc"):
            message = f'sort_dir: "{sort_dir}" is no direction; known: asc, desc'
            raise EngineError(Code.INVALID_ARGUMENT, message, field="sort_dir")
        # A key that comes twice sorts once; the unique one ends the order wherever it was named.
        keys = tuple(dict.fromkeys(self.known[key] for key in sort_keys if key in self.known))
        descending = sort_dir == "desc" if sort_dir else not keys
        return Order((*(keys or (self.default,)), self.unique), descending)


def ordering(order: Order, columns: Columns) -> list[UnaryExpression[Any]]:
    """Return the ORDER BY."""
    return [columns[key].desc() if order.descending else columns[key].asc() for key in order.keys]


def after_marker(order: Order, columns: Columns) -> ColumnElement[bool]:
    """Return the condition that a row comes strictly after the marker, whose values are bound as m0, m1, …."""
    row = tuple_(*(columns[key] for key in order.keys))
    marker = tuple_(*(bindparam(f"m{i}", type_=columns[key].type) for i, key in enumerate(order.keys)))
    return row < marker if order.descending else row > marker


def marker_values(tx: Tx, order: Order, columns: Columns, *, table: Table, marker: str | None) -> dict[str, Any] | None:
    """Return the marker's values to bind; None where no row has this id: then the first page is meant."""
    if not marker:
        return None
    statement = select(*(columns[key] for key in order.keys)).where(table.c.id == marker)
    row = tx.connection.execute(statement).one_or_none()
    return None if row is None else {f"m{i}": value for i, value in enumerate(row)}


def bind_filters(filters: Mapping[str, Iterable[object]], table: Table, known: frozenset[str]) -> dict[str, Any]:
    """Return filter values to bind, as the columns want them; raise INVALID_ARGUMENT for an unknown column."""
    bound: dict[str, Any] = {}
    for name, values in filters.items():
        if name not in known:
            message = f'filters: "{name}" is not known; known: {", ".join(sorted(known))}'
            raise EngineError(Code.INVALID_ARGUMENT, message, field="filters")
        wanted = table.c[name].type.python_type
        bound[f"f_{name}"] = [_converted(value, wanted, name) for value in values]
    return bound


def matches(filters: Iterable[str], table: Table) -> list[ColumnElement[bool]]:
    """Return one condition per filtered column: its value is among the bound ones."""
    return [table.c[name].in_(bindparam(f"f_{name}", expanding=True)) for name in filters]


def _converted(value: object, wanted: type, name: str) -> object:
    text = str(value)
    if wanted is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if wanted is int and text.lstrip("-").isdecimal():
        return int(text)
    if wanted is str:
        return text
    raise EngineError(Code.INVALID_ARGUMENT, f'filters.{name}: "{text}" is no {wanted.__name__}', field="filters")
