"""Snapshots as messages (rpc.md §2.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from isotherm.v1 import snapshot_pb2 as pb

from engine.api.convert import identities, pages, stack_exports
from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status

_ACTION: Final[Mapping[Action, pb.SnapshotAction.ValueType]] = {
    Action.CREATE: pb.SNAPSHOT_ACTION_CREATE,
    Action.DELETE: pb.SNAPSHOT_ACTION_DELETE,
}


def snapshot(record: SnapshotRecord) -> pb.Snapshot:
    """Return a snapshot; of one that could not be taken to its end the data are nobody's to come back to."""
    is_taken = record.action is not Action.CREATE or record.status is Status.COMPLETE
    return pb.Snapshot(
        id=record.id,
        name=record.name,
        status=identities.STATUS[record.status],
        status_reason=record.reason,
        data=stack_exports.stack(record.data) if is_taken and record.data is not None else None,
        creation_time=identities.timestamp(record.created_time),
        action=_ACTION[record.action],
    )


def page(records: Sequence[SnapshotRecord], marker: str) -> pb.StackListSnapshotsResponse:
    """Return a page of snapshots."""
    messages, following = pages.fit(records, marker, convert=snapshot, marker_of=lambda record: record.id)
    return pb.StackListSnapshotsResponse(snapshots=messages, next_marker=following)
