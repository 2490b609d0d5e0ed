"""Resource types as messages (rpc.md §2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, assert_never

from isotherm.v1 import resource_type_pb2 as pb

from engine.api.convert import identities, pages, values
from engine.model.errors import Code, EngineError
from engine.schema import attributes, constraints, properties
from engine.schema.attributes import AttributeSchema
from engine.schema.constraints import Constraint
from engine.schema.properties import OnChange, PropertySchema
from engine.schema.support import Support, SupportStatus
from engine.schema.type_schema import TypeSchema
from engine.usecases.resource_types import ListTypes

_LEVEL: Final[Mapping[SupportStatus, pb.SupportLevel.ValueType]] = {
    status: pb.SupportLevel.Value(f"SUPPORT_LEVEL_{status}") for status in SupportStatus
}
_STATUS: Final[Mapping[int, SupportStatus | None]] = {
    pb.SUPPORT_LEVEL_UNSPECIFIED: None,
    **{level: status for status, level in _LEVEL.items()},
}


def list_types(request: pb.ListResourceTypesRequest) -> ListTypes:
    """Return which types are wanted; raise INVALID_ARGUMENT for a level that there is not."""
    if request.support_status not in _STATUS:
        text = f"support_status: {request.support_status} is no level"
        raise EngineError(Code.INVALID_ARGUMENT, text, field="support_status")
    return ListTypes(
        support_status=_STATUS[request.support_status],
        type_name=request.type_name,
        heat_version=request.heat_version,
        limit=identities.limit(request),
        marker=request.marker,
    )


def page(schemas: Sequence[TypeSchema], marker: str, *, with_description: bool) -> pb.ListResourceTypesResponse:
    """Return a page of types by name."""

    def message(schema: TypeSchema) -> pb.ResourceType:
        description = schema.description if with_description else ""
        return pb.ResourceType(resource_type=schema.type_name, description=description)

    messages, following = pages.fit(schemas, marker, convert=message, marker_of=lambda schema: schema.type_name)
    return pb.ListResourceTypesResponse(resource_types=messages, next_marker=following)


def schema(found: TypeSchema, *, with_description: bool) -> pb.ResourceSchemaResponse:
    """Return what a template may say about a resource of the type."""
    return pb.ResourceSchemaResponse(
        resource_type=found.type_name,
        properties=_properties(found.properties),
        attributes={name: _attribute(one) for name, one in attributes.shown(found.attributes).items()},
        support_status=_support(found.support),
        description=found.description if with_description else "",
    )


def _properties(schemas: Mapping[str, PropertySchema]) -> dict[str, pb.PropertySchema]:
    return {name: _property(one) for name, one in properties.shown(schemas).items()}


def _property(found: PropertySchema) -> pb.PropertySchema:
    inner = _properties(found.fields) if found.fields is not None else {}
    if found.items is not None:
        inner = {"*": _property(found.items)}
    return pb.PropertySchema(
        type=found.kind.lower(),
        required=found.required,
        update_allowed=found.on_change is OnChange.UPDATE,
        immutable=found.on_change is OnChange.REFUSE,
        description=found.description,
        default=None if found.default is None else values.to_value(found.default),
        schema=inner,
        constraints=_constraints(found.constraints),
    )


def _constraints(found: Iterable[Constraint]) -> list[pb.Constraint]:
    return [_constraint(one) for one in found]


def _constraint(found: Constraint) -> pb.Constraint:
    message = pb.Constraint(description=found.description or "")
    match found:
        case constraints.Range(least, most):
            message.range.SetInParent()
            if least is not None:
                message.range.min.CopyFrom(values.to_value(least))
            if most is not None:
                message.range.max.CopyFrom(values.to_value(most))
        case constraints.Length(least, most):
            message.length.CopyFrom(pb.LengthConstraint(min=least, max=most))
        case constraints.Modulo(step, offset):
            message.modulo.step.CopyFrom(values.to_value(step))
            message.modulo.offset.CopyFrom(values.to_value(offset))
        case constraints.AllowedValues(allowed):
            message.allowed_values.CopyFrom(values.to_list(allowed))
        case constraints.AllowedPattern(pattern):
            message.allowed_pattern = pattern
        case constraints.CustomConstraint(name):
            message.custom_constraint = name
        case other:
            assert_never(other)
    return message


def _attribute(found: AttributeSchema) -> pb.AttributeSchema:
    return pb.AttributeSchema(description=found.description, type=found.kind.lower() if found.kind else "")


def _support(found: Support) -> pb.SupportStatus:
    return pb.SupportStatus(
        status=_LEVEL[found.status],
        message=found.message or "",
        version=found.version or "",
        previous_status=_support(found.previous) if found.previous else None,
    )
