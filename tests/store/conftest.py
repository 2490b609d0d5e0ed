"""Every test of the store runs on every database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.database import Database
from kit import databases
from kit.every_database import database, postgresql_url, url

__all__ = ["database", "postgresql_url", "sqlite_database", "url"]


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        yield database
