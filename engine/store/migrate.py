"""Migrations: bring a database to the tables of this version.

Called by `isotherm db upgrade|current` and at the start of an engine on SQLite. Engines that start together do not
collide: one migrates while the others wait for the lock of their database, and then find nothing left to do. The
scripts are found in an installed wheel beside this module, in a checkout in the top folder `alembic/`.
"""

from __future__ import annotations

import io
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from engine.store import backends
from engine.store.backends import Backend
from engine.store.crypto import KEY_BYTES, Keys
from engine.store.database import Database, Tx, retrying

_INSTALLED: Final = Path(__file__).parent / "_migrations"
_CHECKOUT: Final = Path(__file__).parents[2] / "alembic"
_SCRIPTS: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def upgrade(target: Database | str) -> None:
    """Bring a database, or the one of a URL, to `head()`; where it is there already, change nothing."""
    with _opened(target) as database:
        # The first connections to a new SQLite file may find it locked: turning on its log waits for nobody.
        retrying(database, lambda tx: _upgrade(tx, backends.backend_of(database.engine.url)))


def current(target: Database | str) -> str | None:
    """Return the revision that a database, or the one of a URL, is at; None: it was never migrated."""
    with _opened(target) as database, database.read() as tx:
        return MigrationContext.configure(tx.connection).get_current_revision()


def head() -> str | None:
    """Return the newest revision."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def draft(message: str, scripts: Path = _SCRIPTS) -> Path:
    """Write a migration from what the migrations make to what the tables say; return it, to be read and edited."""
    with tempfile.TemporaryDirectory() as folder, _opened(f"sqlite:///{folder}/draft.db") as database:
        upgrade(database)
        with database.write() as tx:
            config = configuration(tx.connection, scripts)
            number = len(list(scripts.glob("versions/[0-9]*.py"))) + 1
            written = command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
    assert isinstance(written, Script)
    return Path(written.path)


def configuration(connection: Connection | None = None, scripts: Path = _SCRIPTS) -> Config:
    """Return what alembic is told: where the scripts are, and the connection that they run on."""
    config = Config(stdout=io.StringIO())  # it would speak to the terminal
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(tx: Tx, backend: Backend) -> None:
    if backend.lock_migrations:
        tx.connection.exec_driver_sql(backend.lock_migrations)
    try:
        command.upgrade(configuration(tx.connection), "head")
    finally:
        if backend.unlock_migrations:
            tx.connection.exec_driver_sql(backend.unlock_migrations)


@contextmanager
def _opened(target: Database | str) -> Iterator[Database]:
    if isinstance(target, Database):
        yield target
        return
    # Migrations read no secret: any key will do.
    database = Database.open(target, Keys([secrets.token_bytes(KEY_BYTES)]))
    try:
        yield database
    finally:
        database.close()
