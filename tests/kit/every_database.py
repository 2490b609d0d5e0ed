"""Fixtures that run a test on every database: `database` is an SQLite file, then PostgreSQL.

Imported by the conftest of each floor whose tests need them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import migrate
from engine.store.database import Database
from kit import databases


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with databases.postgresql_database() as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return databases.sqlite(tmp_path)
    return databases.emptied(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with databases.opened(url) as database:
        yield database
