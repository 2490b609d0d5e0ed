"""One statement for many rows, without what SQLAlchemy does for each of them.

Called by the hot writes (`walks.py`, `events.py`). SQLAlchemy builds, checks and converts a dictionary per row, which
costs more than SQLite takes to write it. Here a statement is compiled once per kind of database, and a row is only put
in order; types are converted by the same column types as everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import UpdateBase


@dataclass(frozen=True, slots=True)
class _Compiled:
    text: str
    converters: Sequence[tuple[str, Callable[[Any], Any]]]  # of the values that the driver does not take as they are
    arrange: Callable[[Mapping[str, Any]], Any]  # a row, as the driver wants it


@dataclass(frozen=True, slots=True)
class Batch:
    """A statement whose values are named like the columns and parameters that it has."""

    statement: UpdateBase
    names: tuple[str, ...]  # every value that a row has
    compiled: dict[str, _Compiled] = field(default_factory=dict)  # by name of the dialect

    def execute(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Execute the statement for every row, in order; return how many rows of the table it touched in all.

        The rows are used up: their values are converted in place.
        """
        known = self.compiled.get(connection.dialect.name)
        if known is None:
            known = self.compiled[connection.dialect.name] = _compile(self.statement, self.names, connection.dialect)
        for name, convert in known.converters:
            for row in rows:
                row[name] = convert(row[name])
        return connection.exec_driver_sql(known.text, [known.arrange(row) for row in rows]).rowcount


def _compile(statement: UpdateBase, names: Sequence[str], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    types = {name: bind.type for name, bind in compiled.binds.items()}
    processors = {name: type_.dialect_impl(dialect).bind_processor(dialect) for name, type_ in types.items()}
    converters = [(name, processor) for name, processor in processors.items() if processor is not None]
    positions = compiled.positiontup
    return _Compiled(str(compiled), converters, itemgetter(*positions) if positions else lambda row: row)
