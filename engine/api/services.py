"""RPCs of the engines themselves: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import service_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import services as convert
from engine.model.records import Caller
from engine.usecases import services as usecases


@dataclass(frozen=True, slots=True)
class Services:
    """The room of engines."""

    services: usecases.Services

    def ListServices(self, request: pb.ListServicesRequest, caller: Caller) -> pb.ListServicesResponse:
        """Return a page of the engines."""
        limit = identities.limit(request)
        return convert.page(*self.services.list(caller, limit=limit, marker=request.marker))

    def GetRevision(self, _: pb.GetRevisionRequest, caller: Caller) -> pb.GetRevisionResponse:
        """Return what the engine runs."""
        return pb.GetRevisionResponse(revision=self.services.get_revision())

    def AuthenticatedToBackend(
        self, _: pb.AuthenticatedToBackendRequest, caller: Caller
    ) -> pb.AuthenticatedToBackendResponse:
        """Say whether the cloud accepts the caller."""
        return pb.AuthenticatedToBackendResponse(authenticated=self.services.authenticated_to_backend(caller))
