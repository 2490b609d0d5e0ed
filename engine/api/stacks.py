"""RPCs of stacks: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import stack_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import stacks as convert
from engine.model.records import Caller
from engine.usecases import stacks as usecases


@dataclass(frozen=True, slots=True)
class Stacks:
    """The room of stacks."""

    stacks: usecases.Stacks

    def IdentifyStack(self, request: pb.IdentifyStackRequest, caller: Caller) -> pb.IdentifyStackResponse:
        """Find the full identity of a stack."""
        found = self.stacks.identify(caller, request.stack_name)
        return pb.IdentifyStackResponse(stack_identity=identities.stack_identity(found))

    def ShowStack(self, request: pb.ShowStackRequest, caller: Caller) -> pb.ShowStackResponse:
        """Return a stack, or all stacks, with all details."""
        resolve = request.resolve_outputs if request.HasField("resolve_outputs") else True
        identity, page = identities.wanted_stack_if_any(request), convert.all_stacks(request)
        return convert.shown(*self.stacks.show(caller, identity, resolve_outputs=resolve, page=page))

    def ListStacks(self, request: pb.ListStacksRequest, caller: Caller) -> pb.ListStacksResponse:
        """Return a page of stacks."""
        return convert.summaries(*self.stacks.list(caller, convert.list_stacks(request)))

    def CountStacks(self, request: pb.CountStacksRequest, caller: Caller) -> pb.CountStacksResponse:
        """Return the number of stacks."""
        return pb.CountStacksResponse(count=self.stacks.count(caller, convert.count_stacks(request)))

    def CreateStack(self, request: pb.CreateStackRequest, caller: Caller) -> pb.CreateStackResponse:
        """Begin to create a stack."""
        created = self.stacks.create(caller, convert.create_stack(request))
        return pb.CreateStackResponse(stack_identity=identities.stack_identity(created))

    def PreviewStack(self, request: pb.PreviewStackRequest, caller: Caller) -> pb.PreviewStackResponse:
        """Return the stack that a create would make."""
        return pb.PreviewStackResponse(stack=convert.stack(self.stacks.preview(caller, convert.create_stack(request))))

    def UpdateStack(self, request: pb.UpdateStackRequest, caller: Caller) -> pb.UpdateStackResponse:
        """Begin to update a stack."""
        updated = self.stacks.update(caller, convert.update_stack(request))
        return pb.UpdateStackResponse(stack_identity=identities.stack_identity(updated))

    def PreviewUpdateStack(
        self, request: pb.PreviewUpdateStackRequest, caller: Caller
    ) -> pb.PreviewUpdateStackResponse:
        """Return what an update would do."""
        return convert.update_preview(self.stacks.preview_update(caller, convert.update_stack(request)))

    def DeleteStack(self, request: pb.DeleteStackRequest, caller: Caller) -> pb.DeleteStackResponse:
        """Begin to delete a stack."""
        self.stacks.delete(caller, identities.wanted_stack(request), request.request_id)
        return pb.DeleteStackResponse()
