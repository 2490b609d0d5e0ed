"""What an engine does by itself, beside walking."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from engine.config import Config
from engine.service import EngineService
from engine.store import requests
from kit import databases
from kit.bench import PATIENCE


def test_an_engine_forgets_the_answers_that_have_lived_their_time(tmp_path: Path) -> None:
    service = EngineService(Config(database=databases.sqlite(tmp_path), listen="127.0.0.1:0"))
    swept = threading.Event()
    with service._db.write() as tx:
        requests.remember(tx, "p", "old", body_hash="", answer=None)
        tx.connection.execute(requests.REQUEST.update().values(created_time=tx.now() - timedelta(hours=25)))
        requests.remember(tx, "p", "young", body_hash="", answer=None)

    @event.listens_for(service._db.engine, "after_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("DELETE FROM request"):
            swept.set()

    service.start()
    came = swept.wait(PATIENCE)
    with service._db.write() as tx:  # in turn: after the sweep has landed
        left = list(tx.connection.execute(requests.REQUEST.select().with_only_columns(requests.REQUEST.c.request_id)))
    service.stop()

    assert came
    assert [name for (name,) in left] == ["young"]
