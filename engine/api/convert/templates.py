"""Templates as messages, and what callers give of them as values (rpc.md §2.4, §3.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from isotherm.v1 import stack_pb2
from isotherm.v1 import template_pb2 as pb

from engine.api.convert import values
from engine.model.errors import Code, EngineError
from engine.schema import types
from engine.schema.types import UNKNOWN
from engine.template.dialects import VersionInfo
from engine.template.expressions import Function
from engine.template.generate import Form
from engine.usecases.commands import Given

Definition = (
    stack_pb2.CreateStackRequest
    | stack_pb2.PreviewStackRequest
    | stack_pb2.UpdateStackRequest
    | stack_pb2.PreviewUpdateStackRequest
    | pb.ValidateTemplateRequest
)

# Keys of the report (template.validate) and the fields that they become, by how they are written.
_TEXTS: Final = {
    "Type": "type",
    "Description": "description",
    "Label": "label",
    "MinLength": "min_length",
    "MaxLength": "max_length",
    "AllowedPattern": "allowed_pattern",
    "CustomConstraint": "custom_constraint",
    "Tags": "tags",
    "ConstraintDescription": "constraint_description",
}
_VALUES: Final = {
    "Default": "default",
    "Value": "value",
    "MinValue": "min_value",
    "MaxValue": "max_value",
    "Step": "step",
    "Offset": "offset",
}
_FORMS: Final[Mapping[int, Form]] = {
    pb.TEMPLATE_TYPE_UNSPECIFIED: Form.CFN,
    pb.TEMPLATE_TYPE_CFN: Form.CFN,
    pb.TEMPLATE_TYPE_HOT: Form.HOT,
}


def given(request: Definition) -> Given:
    """Return the definition that a request brings; raise NOT_YET_IMPLEMENTED for files in an object store."""
    if request.files_container:
        text = "files_container: this engine has no object store to read from; send the files with the request"
        raise EngineError(Code.NOT_YET_IMPLEMENTED, text, field="files_container")
    return Given(
        template=request.template,
        environment=request.environment,
        parameters=values.from_struct(request.parameters, "parameters"),
        files=dict(request.files),
        environment_files=tuple(request.environment_files),
    )


def form(request: pb.GenerateTemplateRequest) -> Form:
    """Return the language to write; raise INVALID_ARGUMENT for one that there is not."""
    found = _FORMS.get(request.template_type)
    if found is None:
        known = ", ".join(pb.TemplateType.keys())
        text = f"template_type: {request.template_type} is no type of template; known: {known}"
        raise EngineError(Code.INVALID_ARGUMENT, text, field="template_type")
    return found


def environment(found: Mapping[str, Any]) -> pb.GetEnvironmentResponse:
    """Return an environment."""
    return pb.GetEnvironmentResponse(environment=values.to_struct(found))


def report(found: Mapping[str, Any]) -> pb.ValidateTemplateResponse:
    """Return what `template.validate` reports of a template."""
    return pb.ValidateTemplateResponse(
        description=found["Description"],
        parameters=_parameters(found["Parameters"]),
        parameter_groups=_groups(found.get("ParameterGroups", ())),
        environment=values.to_struct(found["Environment"]),
        nested_parameters=_nested(found.get("NestedParameters", {})),
    )


def versions(found: Iterable[VersionInfo]) -> pb.ListTemplateVersionsResponse:
    """Return the versions of the language."""
    kinds = {"cfn": pb.TEMPLATE_TYPE_CFN, "hot": pb.TEMPLATE_TYPE_HOT}
    return pb.ListTemplateVersionsResponse(
        template_versions=[
            pb.TemplateVersion(version=one.version, type=kinds[one.type], aliases=one.aliases) for one in found
        ]
    )


def functions(found: Iterable[Function]) -> pb.ListTemplateFunctionsResponse:
    """Return the functions of a version."""
    return pb.ListTemplateFunctionsResponse(
        template_functions=[pb.TemplateFunction(functions=one.name, description=one.description) for one in found]
    )


def _parameters(found: Mapping[str, Mapping[str, Any]]) -> dict[str, pb.TemplateParameter]:
    return {name: _parameter(one) for name, one in found.items()}


def _parameter(found: Mapping[str, Any]) -> pb.TemplateParameter:
    plain: dict[str, Any] = {field: found[key] for key, field in _TEXTS.items() if key in found}
    # What a nested template is given may depend on resources: then nobody knows its value yet, and none is shown.
    known = {field: found[key] for key, field in _VALUES.items() if not types.contains_unknown(found.get(key, UNKNOWN))}
    trees: dict[str, Any] = {field: values.to_value(value) for field, value in known.items()}
    return pb.TemplateParameter(
        no_echo=found["NoEcho"] == "true",
        allowed_values=[values.to_value(one) for one in found.get("AllowedValues", ())],
        **plain,
        **trees,
    )


def _groups(found: Iterable[Mapping[str, Any]]) -> list[pb.ParameterGroup]:
    return [
        pb.ParameterGroup(
            label=str(group.get("label") or ""),
            description=str(group.get("description") or ""),
            parameters=group["parameters"],
        )
        for group in found
    ]


def _nested(found: Mapping[str, Mapping[str, Any]]) -> dict[str, pb.NestedTemplate]:
    return {
        name: pb.NestedTemplate(
            type=one["Type"],
            description=one["Description"],
            parameters=_parameters(one["Parameters"]),
            parameter_groups=_groups(one.get("ParameterGroups", ())),
            nested_parameters=_nested(one.get("NestedParameters", {})),
        )
        for name, one in found.items()
    }
