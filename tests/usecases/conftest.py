"""The engine room: a whole engine in this process, without its gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.engine_room import EngineRoom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path) as room:
        yield room
