"""`isotherm db`: bring a database to the tables of this version, and what an operator does to it by hand.

An engine on SQLite upgrades by itself when it starts. On a database server the operator decides when. All of this works
on the database itself: no engine has to run, and those that do need not be stopped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import click

from engine import service
from engine.cli import exits
from engine.cli.exits import ExitCode, Failed
from engine.cli.settings import config_options
from engine.config import Config, Loaded
from engine.model.errors import Code, EngineError
from engine.model.ids import StackId
from engine.store import migrate, purges
from engine.store.crypto import KEY_BYTES, Keys
from engine.store.database import Database
from engine.store.purges import Old


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Prepare a database for this version, mend what is in it, and purge what is old."""


@command.command()
@config_options(only=("database",))
def upgrade(loaded: Loaded) -> None:
    """Bring the database to this version; one that is there already stays as it is."""
    with _opened(loaded.config) as database:
        migrate.upgrade(database)
        click.echo(_position(database))


@command.command()
@config_options(only=("database",))
def current(loaded: Loaded) -> None:
    """Print the revision that the database is at."""
    with _opened(loaded.config) as database:
        click.echo(_position(database))


@command.command("reset-stack")
@click.argument("stack_id")
@config_options(only=("database", "encryption_keys", "encryption_key_file"))
def reset_stack(loaded: Loaded, stack_id: str) -> None:
    """Give up what is under way in a stack, and in those nested in it.

    For a stack that hangs although its engine lives. What is IN_PROGRESS becomes FAILED, no resource waits at a
    hook any more, and an engine that still works on the stack writes nothing more. Then update or delete it.
    """
    with _opened(loaded.config, _keys(loaded.config)) as database:
        _check_version(database)
        for stack in service.reset_stack(database, StackId(stack_id)):
            click.echo(f"{stack.name} ({stack.id}) is {stack.state}")


@command.command()
@click.argument("age", type=click.IntRange(min=0), default=90)
@click.option(
    "--granularity",
    type=click.Choice(["days", "hours", "minutes", "seconds"]),
    default="days",
    show_default=True,
    help="What AGE counts.",
)
@click.option("--project", help="Only stacks of this project.")
@click.option("--batch", type=click.IntRange(min=1), default=20, show_default=True, help="Stacks at a time.")
@config_options(only=("database",))
def purge(loaded: Loaded, age: int, granularity: str, project: str | None, batch: int) -> None:
    """Remove for good the stacks that were deleted longer ago than AGE, 90 days if it is not given.

    With them go their events and snapshots, and then whatever nothing refers to: templates, environments and files.
    Engines that ended as long ago are forgotten, and so are answers to requests that are older than a day.
    """
    old = Old(_duration(age, granularity), project, batch)
    with _opened(loaded.config) as database:
        _check_version(database)
        purged = purges.purge(database, old)
    for kind in fields(purged):
        click.echo(f"{kind.name:<12} {getattr(purged, kind.name)}")


def _duration(age: int, granularity: str) -> timedelta:
    """Return how long ago that is; raise UsageError where the calendar does not reach so far back."""
    try:
        duration = timedelta(**{granularity: age})
        datetime.now(UTC) - duration
    except OverflowError:
        raise click.UsageError(f"AGE: {age} {granularity} ago there was no calendar") from None
    return duration


def _keys(config: Config) -> Keys:
    """Return the keys of the engines on this database; raise Failed without them."""
    try:
        return service.stored_keys(config)
    except EngineError as error:
        hint = "what is stored of resources is encrypted: this needs the keys of the engines on the database"
        raise Failed(ExitCode.USAGE, error.message, [hint]) from error


@contextmanager
def _opened(config: Config, keys: Keys | None = None) -> Iterator[Database]:
    """Yield the database; without keys for what neither reads nor writes a secret."""
    try:
        database = Database.open(config.database, keys or [secrets.token_bytes(KEY_BYTES)])
        try:
            yield database
        finally:
            database.close()
    except EngineError as error:
        is_missing = error.code is Code.STACK_NOT_FOUND
        raise Failed(ExitCode.NOT_FOUND if is_missing else ExitCode.STACK_FAILED, error.message) from error


def _check_version(database: Database) -> None:
    """Raise Failed where the database has the tables of another version."""
    if migrate.current(database) != migrate.head():
        hint = "`isotherm db upgrade` brings it to this version"
        raise Failed(ExitCode.STACK_FAILED, f"the database is at {_position(database)}", [hint])


def _position(database: Database) -> str:
    current, head = migrate.current(database), migrate.head()
    return f"{current or 'empty'}" + (" (head)" if current == head else f" (head is {head})")
