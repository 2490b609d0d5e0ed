"""RPCs of actions on a stack as a whole: convert, call."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import action_pb2 as pb

from engine.api.convert import identities
from engine.model.records import Caller
from engine.usecases import actions as usecases


@dataclass(frozen=True, slots=True)
class Actions:
    """The room of actions."""

    actions: usecases.Actions

    def StackSuspend(self, request: pb.StackSuspendRequest, caller: Caller) -> pb.StackSuspendResponse:
        """Begin to put a stack to rest."""
        self.actions.suspend(caller, identities.wanted_stack(request), request.request_id)
        return pb.StackSuspendResponse()

    def StackResume(self, request: pb.StackResumeRequest, caller: Caller) -> pb.StackResumeResponse:
        """Begin to wake a stack."""
        self.actions.resume(caller, identities.wanted_stack(request), request.request_id)
        return pb.StackResumeResponse()

    def StackCheck(self, request: pb.StackCheckRequest, caller: Caller) -> pb.StackCheckResponse:
        """Begin to look whether a stack is still as it should be."""
        self.actions.check(caller, identities.wanted_stack(request), request.request_id)
        return pb.StackCheckResponse()

    def StackCancelUpdate(self, request: pb.StackCancelUpdateRequest, caller: Caller) -> pb.StackCancelUpdateResponse:
        """Break off what is under way on a stack."""
        rollback = request.cancel_with_rollback if request.HasField("cancel_with_rollback") else True
        identity = identities.wanted_stack(request)
        self.actions.cancel_update(caller, identity, rollback=rollback, request_id=request.request_id)
        return pb.StackCancelUpdateResponse()

    def StackRollback(self, request: pb.StackRollbackRequest, caller: Caller) -> pb.StackRollbackResponse:
        """Begin to bring a stack that failed back to what it was."""
        identity, skip = identities.wanted_stack(request), tuple(request.skip_resources)
        self.actions.rollback(caller, identity, skip=skip, request_id=request.request_id)
        return pb.StackRollbackResponse()
