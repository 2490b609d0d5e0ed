"""RPCs of outputs: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import output_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import outputs as convert
from engine.model.records import Caller
from engine.usecases import outputs as usecases


@dataclass(frozen=True, slots=True)
class Outputs:
    """The room of outputs."""

    outputs: usecases.Outputs

    def ListOutputs(self, request: pb.ListOutputsRequest, caller: Caller) -> pb.ListOutputsResponse:
        """Return the outputs of a stack without values."""
        return convert.output_list(self.outputs.list(caller, identities.wanted_stack(request)))

    def ShowOutput(self, request: pb.ShowOutputRequest, caller: Caller) -> pb.ShowOutputResponse:
        """Return one output with its value."""
        found = self.outputs.show(caller, identities.wanted_stack(request), request.output_key)
        return pb.ShowOutputResponse(output=convert.output(found))
