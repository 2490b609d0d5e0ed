"""Resources as messages, and requests for them as values (rpc.md §2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from isotherm.v1 import common_pb2
from isotherm.v1 import resource_pb2 as pb

from engine.api.convert import identities, pages, values
from engine.schema.properties import OnChange
from engine.usecases import resources
from engine.usecases.resources import ListResources
from engine.usecases.signals import MarkUnhealthy, SignalResource
from engine.usecases.views import PropertyChange, ResourceView

_EFFECT: Final = {
    None: pb.CHANGE_EFFECT_UNSPECIFIED,
    OnChange.UPDATE: pb.CHANGE_EFFECT_IN_PLACE,
    OnChange.REPLACE: pb.CHANGE_EFFECT_REPLACEMENT,
    OnChange.REFUSE: pb.CHANGE_EFFECT_REFUSED,
}


def resource(view: ResourceView) -> pb.Resource:
    """Return a resource. What is not stored has no times; what only a preview made has no state, either."""
    record, stack = view.record, view.stack
    is_imagined = not record.id and view.properties is not None
    message = pb.Resource(
        resource_name=record.name,
        resource_type=record.type,
        resource_identity=identities.resource_identity(stack.identity.resource(record.name)),
        stack_identity=identities.stack_identity(stack.identity),
        stack_name=stack.name,
        physical_resource_id=record.physical_id or "",
        resource_action=common_pb2.RESOURCE_ACTION_UNSPECIFIED
        if is_imagined
        else identities.RESOURCE_ACTION[record.action],
        resource_status=common_pb2.STATUS_UNSPECIFIED if is_imagined else identities.STATUS[record.status],
        resource_status_reason=record.reason,
        creation_time=identities.timestamp(record.created_time if record.id else None),
        updated_time=identities.timestamp(record.updated_time or record.created_time if record.id else None),
        required_by=view.required_by,
        nested_stack_id=identities.stack_identity(view.nested) if view.nested else None,
        parent_resource=stack.parent_resource,
        hook=view.hook,
    )
    if view.detailed:
        _add_details(message, view)
    return message


def previewed(view: ResourceView) -> pb.Resource:
    """Return a resource as PreviewStack shows it: with the properties that it would have."""
    message = resource(view)
    message.properties.CopyFrom(values.to_struct(view.properties or {}))
    message.resources.extend(map(previewed, view.resources))
    return message


def compared(view: ResourceView) -> pb.Resource:
    """Return a resource as PreviewUpdateStack shows it: with what the update would change."""
    message = resource(view)
    message.changes.extend(map(_change, view.changes))
    message.replaced_type = view.replaced_type
    return message


def list_resources(request: pb.ListStackResourcesRequest) -> ListResources:
    """Return which resources are wanted."""
    filters = {field.name: list(given) for field, given in request.filters.ListFields() if field.name != "type"}
    return ListResources(
        nested_depth=request.nested_depth,
        with_detail=request.with_detail,
        type_contains=request.filters.type,
        filters=filters,
        limit=identities.limit(request),
        marker=request.marker,
    )


def signal_resource(request: pb.ResourceSignalRequest) -> SignalResource:
    """Return what the resource is to be told."""
    return SignalResource(
        identity=identities.wanted_stack(request),
        resource_name=request.resource_name,
        details=values.from_value(request.details, "details") if request.HasField("details") else None,
        sync=request.sync_call,
        request_id=request.request_id,
    )


def signalled(metadata: Mapping[str, Any] | None) -> pb.ResourceSignalResponse:
    """Return the answer to a signal."""
    return pb.ResourceSignalResponse(metadata=None if metadata is None else values.to_struct(metadata))


def mark_unhealthy(request: pb.ResourceMarkUnhealthyRequest) -> MarkUnhealthy:
    """Return what is said of the resource."""
    return MarkUnhealthy(
        identity=identities.wanted_stack(request),
        resource_name=request.resource_name,
        unhealthy=request.mark_unhealthy if request.HasField("mark_unhealthy") else None,
        reason=request.resource_status_reason,
        request_id=request.request_id,
    )


def page(views: Sequence[ResourceView], marker: str) -> pb.ListStackResourcesResponse:
    """Return a page of resources."""
    messages, following = pages.fit(views, marker, convert=resource, marker_of=resources.marker)
    return pb.ListStackResourcesResponse(resources=messages, next_marker=following)


def detailed_page(views: Sequence[ResourceView], marker: str) -> pb.DescribeStackResourcesResponse:
    """Return a page of resources of one stack."""
    messages, following = pages.fit(views, marker, convert=resource, marker_of=resources.marker)
    return pb.DescribeStackResourcesResponse(resources=messages, next_marker=following)


def _change(change: PropertyChange) -> pb.PropertyChange:
    return pb.PropertyChange(
        property_name=change.name,
        before=None if change.before is None else values.to_value(change.before),
        after=None if change.after is None else values.to_value(change.after),
        after_is_unknown=not change.is_known,
        effect=_EFFECT[change.effect],
    )


def _add_details(message: pb.Resource, view: ResourceView) -> None:
    message.description = view.description
    message.metadata.CopyFrom(values.to_struct(view.record.metadata))
    if view.attributes is not None:
        message.attributes.CopyFrom(values.to_struct(view.attributes))
