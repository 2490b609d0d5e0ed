"""Engines as messages (rpc.md §2.5)."""

from __future__ import annotations

from collections.abc import Sequence

from isotherm.v1 import service_pb2 as pb

from engine.api.convert import identities
from engine.usecases.services import ServiceView


def service(view: ServiceView) -> pb.Service:
    """Return an engine; its report and its run have the same id, because every run reports anew."""
    record = view.service
    return pb.Service(
        id=record.engine_id,
        host=record.host,
        hostname=record.hostname,
        binary=record.binary,
        topic=record.topic,
        engine_id=record.engine_id,
        report_interval=record.report_interval,
        created_at=identities.timestamp(record.created_time),
        updated_at=identities.timestamp(record.updated_time),
        deleted_at=identities.timestamp(record.deleted_time),
        status=pb.SERVICE_STATUS_UP if view.is_up else pb.SERVICE_STATUS_DOWN,
    )


def page(views: Sequence[ServiceView], marker: str) -> pb.ListServicesResponse:
    """Return a page of engines."""
    return pb.ListServicesResponse(services=[service(view) for view in views], next_marker=marker)
