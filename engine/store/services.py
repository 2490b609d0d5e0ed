"""Engine processes: their heartbeat, and who has not been heard of.

Called by `runtime/periodic.py` and by the lock when it asks whether a holder lives. All times are the database's, so
that two hosts with different clocks agree on who is late (rpc.md §3.12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from engine.model.ids import EngineId
from engine.model.records import ServiceRecord
from engine.store.backends import insert_or_skip
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.services import ServiceRow

SERVICE: Final = table_of(ServiceRow)

_MISSED_REPORTS: Final = 3
_NAMES: Final = tuple(named.name for named in fields(ServiceRecord))
_COLUMNS: Final = tuple(SERVICE.c[name] for name in _NAMES)
_OF: Final = SERVICE.c.engine_id == bindparam("of")
_REPORTED: Final = ("host", "hostname", "binary", "topic", "report_interval", "listener_address", "updated_time")
_REPORT: Final = (
    update(SERVICE).where(_OF).values({name: bindparam(name) for name in _REPORTED}).values(deleted_time=None)
)
_RETIRE: Final = update(SERVICE).where(_OF, SERVICE.c.deleted_time.is_(None)).values(deleted_time=bindparam("at"))
_GET: Final = select(*_COLUMNS).where(_OF)
_ALL: Final = (
    select(*_COLUMNS).where(SERVICE.c.deleted_time.is_(None)).order_by(SERVICE.c.created_time, SERVICE.c.engine_id)
)
_RETIRE_STALE: Final = (
    update(SERVICE)
    .where(
        SERVICE.c.host == bindparam("at_host"),
        SERVICE.c.binary == bindparam("of_binary"),
        SERVICE.c.hostname == bindparam("at_hostname"),
        SERVICE.c.engine_id != bindparam("own"),
        SERVICE.c.deleted_time.is_(None),
        SERVICE.c.updated_time < bindparam("before"),
    )
    .values(deleted_time=bindparam("at"))
)
_FORGET: Final = delete(SERVICE).where(SERVICE.c.deleted_time < bindparam("before"))


def report(tx: Tx, service: ServiceRecord) -> None:
    """Store that the engine lives: first report or later one, its time is now and it is not retired."""
    values = {**{name: getattr(service, name) for name in _REPORTED}, "updated_time": tx.now()}
    if tx.connection.execute(_REPORT, {**values, "of": service.engine_id}).rowcount:
        return
    first = {**values, "engine_id": service.engine_id, "created_time": tx.now(), "deleted_time": None}
    tx.connection.execute(insert_or_skip(SERVICE, tx.dialect), first)


def retire(tx: Tx, engine_id: EngineId) -> bool:
    """Mark the engine as gone; False: it is unknown or was gone already."""
    return tx.connection.execute(_RETIRE, {"of": engine_id, "at": tx.now()}).rowcount == 1


def retire_stale(tx: Tx, own: ServiceRecord) -> int:
    """Mark as gone the other engines of our kind on our host that missed three reports; return how many."""
    names = {
        "at_host": own.host,
        "of_binary": own.binary,
        "at_hostname": own.hostname,
        "own": own.engine_id,
        "at": tx.now(),
        "before": tx.now() - timedelta(seconds=_MISSED_REPORTS * own.report_interval),
    }
    return tx.connection.execute(_RETIRE_STALE, names).rowcount


def forget(tx: Tx, before: datetime) -> int:
    """Delete the engines that were retired before a time; return how many."""
    return tx.connection.execute(_FORGET, {"before": before}).rowcount


def get(tx: Tx, engine_id: EngineId) -> ServiceRecord | None:
    """Return the engine, retired or not; None: it never reported."""
    row = tx.connection.execute(_GET, {"of": engine_id}).one_or_none()
    return None if row is None else _record(row)


def all(tx: Tx) -> list[ServiceRecord]:  # noqa: A001  read as `services.all(tx)`
    """Return the engines that are not retired, oldest first."""
    return [_record(row) for row in tx.connection.execute(_ALL)]


def _record(row: Sequence[Any]) -> ServiceRecord:
    return ServiceRecord(**dict(zip(_NAMES, row, strict=True)))
