"""RPCs of resources: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import resource_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import resources as convert
from engine.model.records import Caller
from engine.usecases import resources as usecases
from engine.usecases import signals


@dataclass(frozen=True, slots=True)
class Resources:
    """The room of resources."""

    resources: usecases.Resources
    signals: signals.Signals

    def ListStackResources(
        self, request: pb.ListStackResourcesRequest, caller: Caller
    ) -> pb.ListStackResourcesResponse:
        """Return a page of the resources of a stack and of those nested in it."""
        identity = identities.wanted_stack(request)
        return convert.page(*self.resources.list(caller, identity, convert.list_resources(request)))

    def DescribeStackResource(
        self, request: pb.DescribeStackResourceRequest, caller: Caller
    ) -> pb.DescribeStackResourceResponse:
        """Return one resource with its details."""
        identity, name, more = (
            identities.wanted_stack(request),
            request.resource_name,
            tuple(request.with_attr),
        )
        found = self.resources.describe(caller, identity, name, with_attr=more, bare=request.without_attributes)
        return pb.DescribeStackResourceResponse(resource=convert.resource(found))

    def DescribeStackResources(
        self, request: pb.DescribeStackResourcesRequest, caller: Caller
    ) -> pb.DescribeStackResourcesResponse:
        """Return a page of the resources of one stack with their details."""
        identity, name, limit = (
            identities.wanted_stack(request),
            request.resource_name,
            identities.limit(request),
        )
        found = self.resources.describe_all(caller, identity, name=name, limit=limit, marker=request.marker)
        return convert.detailed_page(*found)

    def FindPhysicalResource(
        self, request: pb.FindPhysicalResourceRequest, caller: Caller
    ) -> pb.FindPhysicalResourceResponse:
        """Find the resource that a real thing belongs to."""
        found = self.resources.find_physical(caller, request.physical_resource_id)
        return pb.FindPhysicalResourceResponse(resource_identity=identities.resource_identity(found))

    def ResourceSignal(self, request: pb.ResourceSignalRequest, caller: Caller) -> pb.ResourceSignalResponse:
        """Deliver a signal to a resource."""
        return convert.signalled(self.signals.signal(caller, convert.signal_resource(request)))

    def ResourceMarkUnhealthy(
        self, request: pb.ResourceMarkUnhealthyRequest, caller: Caller
    ) -> pb.ResourceMarkUnhealthyResponse:
        """Mark a resource as unhealthy, or take the mark away."""
        self.signals.mark_unhealthy(caller, convert.mark_unhealthy(request))
        return pb.ResourceMarkUnhealthyResponse()
