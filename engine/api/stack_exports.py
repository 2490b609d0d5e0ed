"""RPCs of stacks as data: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import stack_export_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import stack_exports as convert
from engine.model.records import Caller
from engine.usecases import exports as usecases


@dataclass(frozen=True, slots=True)
class StackExports:
    """The room of stacks as data."""

    exports: usecases.Exports

    def AbandonStack(self, request: pb.AbandonStackRequest, caller: Caller) -> pb.AbandonStackResponse:
        """Return the data of a stack, and begin to forget it."""
        return convert.abandoned(self.exports.abandon(caller, identities.wanted_stack(request), request.request_id))

    def ExportStack(self, request: pb.ExportStackRequest, caller: Caller) -> pb.ExportStackResponse:
        """Return the data of a stack."""
        return convert.exported(self.exports.export(caller, identities.wanted_stack(request)))
