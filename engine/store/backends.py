"""What differs between SQLite, PostgreSQL and MariaDB, said once.

`database.py` asks for the backend of a URL; the other modules of store ask only for `insert_or_skip`. The drivers are
kept in autocommit and a transaction begins with the statement that stands here: so one code begins, commits and rolls
back on every database, and a reader gets one consistent snapshot without a second round trip to set it up.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import URL, Insert, NullPool, QueuePool, Table, insert, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.model.errors import Code, EngineError

_POOL_SIZE: Final = 20
_POOL_OVERFLOW: Final = 20
_POOL_WAIT_S: Final = 30.0
_USES_OF_TEXTS: Final = ("fk_definition_template_hash", "fk_definition_file_content_hash")
_NO_TEXT: Final = "there is a NUL character in a text that was given, or something else that is no text"
_TOO_LONG: Final = "a text that was given is longer than the database keeps"
_BUSY_S: Final = 15.0  # how long SQLite waits for a writer in another process


@dataclass(frozen=True, slots=True)
class Backend:
    """How to speak to one kind of database."""

    name: str
    begin_read: Sequence[str]
    begin_write: Sequence[str]
    is_file: bool  # True: SQLite; one writer, and the process clock is the database clock
    options: Mapping[str, Any]  # of create_engine
    may_retry: Callable[[DBAPIError], bool]  # a serialization failure, deadlock, busy file: the same work may succeed
    wrong_value: Callable[[DBAPIError], str]  # what is wrong with a value that was given; "": it was not the values
    lock_migrations: str = ""  # statement that waits for other processes that migrate; "": begin_write does so
    unlock_migrations: str = ""  # "": the end of the transaction does so
    on_connect: tuple[str, ...] = ()
    on_reader: str = ""  # statement that keeps a connection from writing; "": begin_read does so


def _sqlite_may_retry(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _postgresql_may_retry(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state == "23503":  # a text was known, and so not inserted, and was swept before its definition came
        return getattr(getattr(error.orig, "diag", None), "constraint_name", None) in _USES_OF_TEXTS
    return state in ("40001", "40P01", "55P03")


def _mysql_may_retry(error: DBAPIError) -> bool:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return arguments[:1] in ((1205,), (1213,))


def _sqlite_wrong_value(_: DBAPIError) -> str:
    return ""  # it takes whatever it is given; `refuse_nul` is for what the others would not


def _postgresql_wrong_value(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state == "22021" or (state is None and "NUL" in str(error.orig)):  # without a state it was the driver
        return _NO_TEXT
    return _TOO_LONG if state == "22001" else ""


def _mysql_wrong_value(error: DBAPIError) -> str:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    match arguments[:1]:
        case (1366,):
            return _NO_TEXT
        case (1406,):
            return _TOO_LONG
        case _:
            return ""


_SERVER: Final = {
    "isolation_level": "AUTOCOMMIT",
    "poolclass": QueuePool,
    "pool_size": _POOL_SIZE,
    "max_overflow": _POOL_OVERFLOW,
    "pool_timeout": _POOL_WAIT_S,
}

_BACKENDS: Final = {
    "sqlite": Backend(
        name="sqlite",
        begin_read=("BEGIN",),
        begin_write=("BEGIN IMMEDIATE",),
        is_file=True,
        options={
            "isolation_level": "AUTOCOMMIT",
            "poolclass": NullPool,  # database.py keeps its own: one writer, and readers that are used again
            "connect_args": {"check_same_thread": False, "timeout": _BUSY_S},
        },
        may_retry=_sqlite_may_retry,
        wrong_value=_sqlite_wrong_value,
        on_connect=(
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA temp_store = MEMORY",
        ),
        on_reader="PRAGMA query_only = ON",
    ),
    "postgresql": Backend(
        name="postgresql",
        begin_read=("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
        begin_write=("BEGIN ISOLATION LEVEL READ COMMITTED",),
        is_file=False,
        options={**_SERVER, "connect_args": {"options": "-c timezone=UTC", "connect_timeout": 10}},
        may_retry=_postgresql_may_retry,
        wrong_value=_postgresql_wrong_value,
        lock_migrations="SELECT pg_advisory_xact_lock(4919131752989213)",
    ),
    "mysql": Backend(
        name="mysql",
        begin_read=("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
        # A compare-and-set must see what the winner committed, not a snapshot from before.
        begin_write=("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"),
        is_file=False,
        options={**_SERVER, "connect_args": {"connect_timeout": 10, "charset": "utf8mb4"}},
        may_retry=_mysql_may_retry,
        wrong_value=_mysql_wrong_value,
        lock_migrations="SELECT GET_LOCK('isotherm-migration', 600)",
        unlock_migrations="SELECT RELEASE_LOCK('isotherm-migration')",
        on_connect=("SET time_zone = '+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    ),
}

_DRIVERS: Final = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def parse_url(text: str) -> URL:
    """Return the URL with our driver filled in; raise INVALID_ARGUMENT where it is none, or names no file."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise EngineError(Code.INVALID_ARGUMENT, f"not a database URL: {error}") from error
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if url.get_backend_name() not in (*_BACKENDS, "mariadb"):
        message = f'no database of kind "{url.get_backend_name()}"; known: sqlite, postgresql, mysql, mariadb'
        raise EngineError(Code.INVALID_ARGUMENT, message)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise EngineError(Code.INVALID_ARGUMENT, "an SQLite database needs a file: sqlite:///path/to/isotherm.db")
    return url


def backend_of(url: URL) -> Backend:
    """Return how to speak to the database of `url`."""
    name = url.get_backend_name()
    return _BACKENDS["mysql" if name == "mariadb" else name]


def create_private_file(path: str) -> None:
    """Create an SQLite file that only its owner may read; one that exists is left as it is."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        message = f"the database file {path} cannot be used: {error.strerror}"
        raise EngineError(Code.DATABASE_UNAVAILABLE, message) from error


def refuse_nul(rows: Iterable[Sequence[object]]) -> None:
    """Raise INVALID_ARGUMENT for a text with NUL, as servers do, so that SQLite answers no differently."""
    for row in rows:
        for value in row:
            if type(value) is str and "\x00" in value:
                raise EngineError(Code.INVALID_ARGUMENT, _NO_TEXT)


@cache
def insert_or_skip(table: Table, backend: str) -> Insert:
    """Return an INSERT that a unique key turns into no operation; its rowcount says who won the race."""
    statement: Insert
    match backend:
        case "sqlite":
            statement = sqlite.insert(table).on_conflict_do_nothing()
        case "postgresql":
            statement = postgresql.insert(table).on_conflict_do_nothing()
        case _:
            statement = insert(table).prefix_with("IGNORE")
    return statement.execution_options(preserve_rowcount=True)
