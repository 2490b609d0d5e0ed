"""The engine room: a whole engine in this process, without its gRPC. Some need no engine, and run on every database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.engine_room import EngineRoom
from kit.every_database import database, postgresql_url, url

__all__ = ["database", "postgresql_url", "room", "url"]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path) as room:
        yield room
