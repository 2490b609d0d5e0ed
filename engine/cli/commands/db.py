"""`isotherm db`: bring a database to the tables of this version, or say where it is.

An engine on SQLite does that by itself when it starts. On a database server the operator decides when.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import click

from engine.cli import exits
from engine.cli.exits import ExitCode, Failed
from engine.cli.settings import config_options
from engine.config import Loaded
from engine.model.errors import EngineError
from engine.store import migrate
from engine.store.crypto import KEY_BYTES
from engine.store.database import Database


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Prepare a database for this version."""


@command.command()
@config_options(only=("database",))
def upgrade(loaded: Loaded) -> None:
    """Bring the database to this version; one that is there already stays as it is."""
    with _opened(loaded) as database:
        migrate.upgrade(database)
        click.echo(_position(database))


@command.command()
@config_options(only=("database",))
def current(loaded: Loaded) -> None:
    """Print the revision that the database is at."""
    with _opened(loaded) as database:
        click.echo(_position(database))


@contextmanager
def _opened(loaded: Loaded) -> Iterator[Database]:
    try:
        # Migrations neither read nor write a secret, so any key will do.
        database = Database.open(loaded.config.database, [secrets.token_bytes(KEY_BYTES)])
        try:
            yield database
        finally:
            database.close()
    except EngineError as error:
        raise Failed(ExitCode.STACK_FAILED, error.message) from error


def _position(database: Database) -> str:
    current, head = migrate.current(database), migrate.head()
    return f"{current or 'empty'}" + (" (head)" if current == head else f" (head is {head})")
