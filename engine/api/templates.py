"""RPCs of templates: convert, call, convert."""

from __future__ import annotations

from dataclasses import dataclass

from isotherm.v1 import template_pb2 as pb

from engine.api.convert import identities
from engine.api.convert import templates as convert
from engine.model.records import Caller
from engine.usecases import templates as usecases


@dataclass(frozen=True, slots=True)
class Templates:
    """The room of templates."""

    templates: usecases.Templates

    def GetTemplate(self, request: pb.GetTemplateRequest, caller: Caller) -> pb.GetTemplateResponse:
        """Return the template of a stack."""
        return pb.GetTemplateResponse(template=self.templates.get(caller, identities.wanted_stack(request)))

    def GetEnvironment(self, request: pb.GetEnvironmentRequest, caller: Caller) -> pb.GetEnvironmentResponse:
        """Return the environment of a stack."""
        return convert.environment(self.templates.get_environment(caller, identities.wanted_stack(request)))

    def GetFiles(self, request: pb.GetFilesRequest, caller: Caller) -> pb.GetFilesResponse:
        """Return the files of a stack."""
        return pb.GetFilesResponse(files=self.templates.get_files(caller, identities.wanted_stack(request)))

    def ValidateTemplate(self, request: pb.ValidateTemplateRequest, caller: Caller) -> pb.ValidateTemplateResponse:
        """Say whether a template is valid, and what it wants."""
        ignored = tuple(request.ignorable_errors)
        given, nested = convert.given(request), request.show_nested
        found = self.templates.validate(caller, given, show_nested=nested, ignorable_errors=ignored)
        return convert.report(found)

    def GenerateTemplate(self, request: pb.GenerateTemplateRequest, caller: Caller) -> pb.GenerateTemplateResponse:
        """Return a template to begin with, for one resource of a type."""
        return pb.GenerateTemplateResponse(template=self.templates.generate(request.type_name, convert.form(request)))

    def ListTemplateVersions(
        self, _: pb.ListTemplateVersionsRequest, caller: Caller
    ) -> pb.ListTemplateVersionsResponse:
        """Return the versions of the template languages."""
        return convert.versions(self.templates.versions())

    def ListTemplateFunctions(
        self, request: pb.ListTemplateFunctionsRequest, caller: Caller
    ) -> pb.ListTemplateFunctionsResponse:
        """Return the functions of a version."""
        version, with_condition = request.template_version, request.with_condition
        return convert.functions(self.templates.functions(version, with_condition=with_condition))
