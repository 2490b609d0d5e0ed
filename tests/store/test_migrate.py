"""Migrations: from nothing to now, together, and equal to the tables."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from engine.store import migrate
from engine.store.database import Database
from engine.store.tables.everything import METADATA
from kit import databases


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        with databases.opened(f"sqlite:///{tmp_path / 'empty.db'}") as database:
            yield database
    else:
        with databases.postgresql_database() as url, databases.opened(url) as database:
            yield database


def test_an_empty_database_is_brought_to_the_newest_revision(empty: Database) -> None:
    assert migrate.current(empty) is None

    migrate.upgrade(empty)

    assert migrate.current(empty) == migrate.head() is not None


def test_a_migrated_database_stays_as_it_is(empty: Database) -> None:
    migrate.upgrade(empty)
    migrate.upgrade(empty)

    assert migrate.current(empty) == migrate.head()


def test_tables_are_what_the_migrations_make(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.read() as tx:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_engines_that_start_together_do_not_collide(empty: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(migrate.upgrade, empty.url) for _ in range(4)]

    assert [one.exception() for one in done] == [None] * 4
    assert migrate.current(empty.url) == migrate.head()


def test_a_downgrade_leaves_nothing(empty: Database) -> None:
    migrate.upgrade(empty)

    with empty.write() as tx:
        command.downgrade(migrate.configuration(tx.connection), "base")

    with empty.read() as tx:
        assert inspect(tx.connection).get_table_names() == ["alembic_version"]


def test_nothing_of_a_failed_migration_stays(empty: Database) -> None:
    with empty.write() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE resource (id INTEGER)")  # in the way of the one to come

    with pytest.raises(Exception, match="database"):
        migrate.upgrade(empty)

    with empty.read() as tx:
        assert inspect(tx.connection).get_table_names() == ["resource"]


def test_a_draft_says_what_the_tables_have_and_the_migrations_do_not(tmp_path: Path) -> None:
    scripts = tmp_path / "100% alembic"
    shutil.copytree(Path(migrate.__file__).parents[2] / "alembic", scripts)

    draft = migrate.draft("add nothing", scripts)

    namespace = runpy.run_path(str(draft))
    assert draft == scripts / "versions" / "0004_add_nothing.py"
    assert (namespace["revision"], namespace["down_revision"]) == ("0004", "0003")
    assert "add_column" not in draft.read_text()
    assert "pass" in draft.read_text()
