"""RPCs of resource types: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import resource_type_pb2 as pb

from engine.api.convert import resource_types as convert
from engine.model.records import Caller
from engine.usecases import resource_types as usecases


@dataclass(frozen=True, slots=True)
class ResourceTypes:
    """The room of resource types."""

    resource_types: usecases.ResourceTypes

    def ListResourceTypes(self, request: pb.ListResourceTypesRequest, caller: Caller) -> pb.ListResourceTypesResponse:
        """Return a page of the types that templates may use."""
        found = self.resource_types.list(convert.list_types(request))
        return convert.page(*found, with_description=request.with_description)

    def ResourceSchema(self, request: pb.ResourceSchemaRequest, caller: Caller) -> pb.ResourceSchemaResponse:
        """Return what a template may say about a resource of a type."""
        found = self.resource_types.schema(request.type_name)
        return convert.schema(found, with_description=request.with_description)
