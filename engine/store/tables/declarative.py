"""What every table shares: the metadata, names for keys and indexes, and the repeated columns.

Names are given by convention, so that a migration can name what it drops on every database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, cast

from sqlalchemy import MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, mapped_column

from engine.store.types import LONG_TEXT, UtcTime

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
# Names and ids are compared byte by byte, as Python does; both would fold case and blanks at the end by default.
MYSQL: Final = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}

Id = Annotated[str, mapped_column(String(36))]
Name = Annotated[str, mapped_column(String(255))]
Word = Annotated[str, mapped_column(String(32))]  # an action, a status or another choice
LongText = Annotated[str, mapped_column(LONG_TEXT)]
Time = Annotated[datetime, mapped_column(UtcTime)]


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(naming_convention=NAMES)


def table_of(model: type[Base]) -> Table:
    """Return the table that a model declares; statements are written against it, not against the model."""
    return cast(Table, cast(Any, model).__table__)
