"""Engine processes: reporting, retiring, going unheard."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.model.ids import EngineId
from engine.model.records import ServiceRecord
from engine.store import services
from engine.store.database import Database
from kit import stored

OWN = ServiceRecord(
    engine_id=EngineId("own"),
    host="host",
    hostname="host.example.org",
    binary="isotherm",
    topic="engine",
    report_interval=60,
    created_time=stored.at(0),
    listener_address="127.0.0.1:8781",
)


def test_a_first_report_makes_the_engine_known(database: Database) -> None:
    with database.write() as tx:
        services.report(tx, OWN)
        now = tx.now()

        assert services.all(tx) == [replace(OWN, created_time=now, updated_time=now)]
        assert services.get(tx, OWN.engine_id) == services.all(tx)[0]
        assert services.get(tx, EngineId("unknown")) is None


def test_a_later_report_moves_its_time_and_brings_it_back(database: Database) -> None:
    with database.write() as tx:
        services.report(tx, OWN)
        services.retire(tx, OWN.engine_id)
    with database.write() as tx:
        services.report(tx, replace(OWN, report_interval=30, listener_address="other:1"))
        now = tx.now()

    with database.read() as tx:
        (found,) = services.all(tx)
    assert (found.report_interval, found.listener_address, found.updated_time) == (30, "other:1", now)
    assert found.created_time < now


def test_a_retired_engine_is_not_listed(database: Database) -> None:
    with database.write() as tx:
        services.report(tx, OWN)

        assert services.retire(tx, OWN.engine_id)
        assert not services.retire(tx, OWN.engine_id)
        assert services.all(tx) == []
        found = services.get(tx, OWN.engine_id)
        assert found is not None
        assert found.deleted_time == tx.now()


@pytest.mark.parametrize(
    ("changes", "age", "retired"),
    [
        pytest.param({}, 200, True, id="one of ours that missed three reports"),
        pytest.param({}, 170, False, id="one of ours that missed two"),
        pytest.param({"host": "another"}, 200, False, id="one on another host"),
        pytest.param({"hostname": "another"}, 200, False, id="one with another host name"),
        pytest.param({"binary": "another"}, 200, False, id="one of another kind"),
        pytest.param({"engine_id": OWN.engine_id}, 200, False, id="ourselves"),
    ],
)
def test_stale_engines_are_retired(database: Database, changes: dict[str, Any], age: int, retired: bool) -> None:
    other = replace(OWN, **{"engine_id": EngineId("other"), **changes})
    with database.write() as tx:
        services.report(tx, other)
        long_ago = tx.now() - timedelta(seconds=age)
        tx.connection.execute(services.SERVICE.update().values(updated_time=long_ago))

        assert services.retire_stale(tx, OWN) == int(retired)
        assert len(services.all(tx)) == int(not retired)
