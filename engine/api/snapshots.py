"""RPCs of snapshots: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import snapshot_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import snapshots as convert
from engine.model.records import Caller
from engine.usecases import snapshots as usecases


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The room of snapshots."""

    snapshots: usecases.Snapshots

    def StackSnapshot(self, request: pb.StackSnapshotRequest, caller: Caller) -> pb.StackSnapshotResponse:
        """Begin to save the state of a stack."""
        begun = self.snapshots.take(caller, identities.wanted_stack(request), request.name, request.request_id)
        return pb.StackSnapshotResponse(snapshot=convert.snapshot(begun))

    def ShowSnapshot(self, request: pb.ShowSnapshotRequest, caller: Caller) -> pb.ShowSnapshotResponse:
        """Return a snapshot."""
        found = self.snapshots.show(caller, identities.wanted_stack(request), request.snapshot_id)
        return pb.ShowSnapshotResponse(snapshot=convert.snapshot(found))

    def StackListSnapshots(
        self, request: pb.StackListSnapshotsRequest, caller: Caller
    ) -> pb.StackListSnapshotsResponse:
        """Return a page of the snapshots of a stack."""
        identity, limit = identities.wanted_stack(request), identities.limit(request)
        return convert.page(*self.snapshots.list(caller, identity, limit=limit, marker=request.marker))

    def DeleteSnapshot(self, request: pb.DeleteSnapshotRequest, caller: Caller) -> pb.DeleteSnapshotResponse:
        """Begin to remove a snapshot."""
        self.snapshots.delete(caller, identities.wanted_stack(request), request.snapshot_id, request.request_id)
        return pb.DeleteSnapshotResponse()

    def StackRestore(self, request: pb.StackRestoreRequest, caller: Caller) -> pb.StackRestoreResponse:
        """Begin to bring a stack back to a snapshot."""
        self.snapshots.restore(caller, identities.wanted_stack(request), request.snapshot_id, request.request_id)
        return pb.StackRestoreResponse()
