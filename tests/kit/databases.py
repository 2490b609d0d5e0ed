"""Real databases for tests: an SQLite file, and PostgreSQL from wherever one can be had.

A PostgreSQL is looked for in this order: the server that ISOTHERM_TEST_POSTGRES_URL names, one on this host's usual
port where `postgres` may enter without a password, one started from installed binaries in a temporary folder. Without
any, the tests that need it are skipped with the reason; under CI=true they fail, because a skip there would go unseen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from glob import glob
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from engine.store import migrate
from engine.store.crypto import Keys
from engine.store.database import Database
from engine.store.tables.everything import METADATA

KEY = b"an encryption key for tests only"
LOCAL_SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@cache
def _migrated_file() -> bytes:
    """Return an SQLite file with all tables; migrating once and copying saves most of a test's time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        migrate.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def sqlite(folder: Path) -> str:
    """Return the URL of a migrated SQLite file in `folder`."""
    path = folder / "isotherm.db"
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@contextmanager
def opened(url: str, keys: Sequence[bytes] = (KEY,), **options: Any) -> Iterator[Database]:
    """Yield the database of a URL, and close it."""
    database = Database.open(url, Keys(keys), **options)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def postgresql_database() -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database that is dropped afterwards; skip the test where there is none."""
    with ExitStack() as stack:
        server = _running_server() or _started_server(stack)
        name = f"isotherm_test_{uuid.uuid4().hex[:12]}"
        _administer(server, f"CREATE DATABASE {name}")
        _administer(server, f"ALTER DATABASE {name} SET synchronous_commit = off")  # no test pulls the plug
        stack.callback(_administer, server, f"DROP DATABASE {name} WITH (FORCE)")
        yield make_url(server).set(database=name).render_as_string(hide_password=False)


def emptied(url: str) -> str:
    """Return the URL after its tables have been emptied: for a server, far quicker than another database."""
    engine = create_engine(url)
    # DELETE, not TRUNCATE: that makes new files for every table, however few rows there were.
    statements = ";".join(f'DELETE FROM "{table.name}"' for table in reversed(METADATA.sorted_tables))
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)
    engine.dispose()
    return url


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Yield the statements that the database is sent meanwhile; those that set up a transaction are not counted."""
    seen: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "START", "SET", "PRAGMA")):
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _running_server() -> str | None:
    if given := os.environ.get("ISOTHERM_TEST_POSTGRES_URL"):
        return make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    try:
        _administer(LOCAL_SERVER, "SELECT 1")
    except OperationalError:
        return None
    return LOCAL_SERVER


def _started_server(stack: ExitStack) -> str:
    binaries = _binaries()
    if binaries is None:
        _unavailable("no PostgreSQL: none is named, none answers on 127.0.0.1:5432 and none is installed")
    folder = Path(tempfile.mkdtemp(prefix="isotherm-postgresql-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    prefix: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres" if _exists("postgres") else "nobody"
        shutil.chown(folder, user)
        prefix = ["runuser", "-u", user, "--"]
    data = folder / "data"
    settings = f"-k {folder} -c listen_addresses='' -c fsync=off"
    control = [*prefix, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    _run([*prefix, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"], folder)
    _run([*control, "-l", str(folder / "log"), "-o", settings, "start"], folder)
    stack.callback(_run, [*control, "-m", "immediate", "stop"], folder)
    return f"postgresql+psycopg://postgres@/postgres?host={folder}"


def _binaries() -> Path | None:
    if found := shutil.which("initdb"):
        beside = Path(found).resolve().parent
        if (beside / "pg_ctl").exists():
            return beside
    installed = sorted(glob("/usr/lib/postgresql/*/bin/pg_ctl"))
    return Path(installed[-1]).parent if installed else None


def _exists(user: str) -> bool:
    return subprocess.run(["id", "-u", user], capture_output=True, check=False).returncode == 0


def _run(command: Sequence[str], folder: Path) -> None:
    # Output to a file: a server that inherits a pipe would keep us waiting for its end.
    with (folder / "output").open("w+") as output:
        ended = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False, timeout=60)
        output.seek(0)

        assert ended.returncode == 0, f"{command}: {output.read()}"


def _administer(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def _unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
