"""The engines themselves: which there are, what they run, whether they reach the cloud for a caller (rpc.md §3.12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from engine.model.errors import Code, EngineError
from engine.model.records import Caller, ServiceRecord
from engine.store import services
from engine.store.database import Database

ADMIN: Final = "admin"  # the role that may see what belongs to no project
MISSED_REPORTS: Final = 2  # after so many report intervals without one an engine counts as down


@dataclass(frozen=True, slots=True)
class ServiceView:
    """An engine, and whether it lives."""

    service: ServiceRecord
    is_up: bool


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases of engines."""

    db: Database
    revision: str = "unknown"  # what the operator calls the running version (heat_revision)

    def list(self, caller: Caller, *, limit: int | None = None, marker: str = "") -> tuple[Sequence[ServiceView], str]:
        """Return a page of the engines that have not signed off, oldest first, and the marker of the next page.

        Raise FORBIDDEN for other than administrators.
        """
        if ADMIN not in caller.roles:
            raise EngineError(Code.FORBIDDEN, "You are not authorized to list the engines: the role admin is needed.")
        with self.db.read() as tx:
            now = tx.now()
            found = services.all(tx)
        start = next((index for index, one in enumerate(found, 1) if one.engine_id == marker), 0) if marker else 0
        rest = found[start:]
        page = rest if limit is None else rest[:limit]
        views = [ServiceView(service, _is_up(service, now - _last_report(service))) for service in page]
        return views, page[-1].engine_id if page and len(page) < len(rest) else ""

    def get_revision(self) -> str:
        """Return what the engine runs."""
        return self.revision

    def authenticated_to_backend(self, caller: Caller) -> bool:
        """Return whether the cloud accepts the caller. The local backend has nobody to ask: whoever is in, is in."""
        return bool(caller.project)


def _last_report(service: ServiceRecord) -> datetime:
    return service.updated_time or service.created_time


def _is_up(service: ServiceRecord, silence: timedelta) -> bool:
    return silence <= timedelta(seconds=MISSED_REPORTS * service.report_interval)
