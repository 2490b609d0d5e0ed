"""`isotherm template`: checking and drawing a template without a stack, and what templates can be written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from isotherm.v1 import stack_pb2, template_pb2

from engine.cli import exits, messages, output, requests
from engine.cli.commands import stack_graph
from engine.cli.graphs import Node
from engine.cli.options import Definition, Session, client_options, definition_options
from engine.cli.output import Format

_FORMS: Final = {"hot": template_pb2.TEMPLATE_TYPE_HOT, "cfn": template_pb2.TEMPLATE_TYPE_CFN}
_COLUMNS: Final = ("name", "type", "default", "value", "description")


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Check a template, draw it, begin one, look up what the language has."""


@command.command()
@definition_options(template_required=True)
@click.option("--show-nested", is_flag=True, help="Tell of the parameters of nested templates too.")
@client_options
def validate(session: Session, definition: Definition, show_nested: bool) -> None:
    """Check a template with everything that it refers to; print its parameters, or all its problems."""
    given = requests.given(definition)
    request = template_pb2.ValidateTemplateRequest(show_nested=show_nested, **given.fields)
    answer = messages.plain(session.client.call(session.client.stub.ValidateTemplate, request))
    if session.form is not Format.TABLE:
        output.dump(session.form, answer)
        return
    click.echo(f"{definition.template} is valid.")
    rows: list[dict[str, Any]] = [{"name": name, **value} for name, value in answer["parameters"].items()]
    if rows:
        output.show_list(session.form, rows, _COLUMNS)


@command.command()
@definition_options(template_required=True)
@stack_graph.format_option
@client_options
def graph(session: Session, definition: Definition, language: str | None) -> None:
    """Draw how the resources of a template would depend on each other, nested templates included.

    The engine works it out, with the parameters and environments that are given; nothing is made.
    """
    given = requests.given(definition)
    name = f"graph-{session.client.request_id}"  # a preview wants a name that is free
    request = stack_pb2.PreviewStackRequest(stack_name=name, **given.fields)
    stack = messages.plain(session.client.call(session.client.stub.PreviewStack, request).stack)
    stack_graph.show(session, language, str(definition.template), _nodes(stack["resources"]))


@command.command()
@click.argument("type_name", metavar="TYPE")
@click.option("--format", "form", type=click.Choice(list(_FORMS)), default="hot", help="hot (the default) or cfn.")
@client_options
def generate(session: Session, type_name: str, form: str) -> None:
    """Print a template to begin with, for one resource of a type."""
    request = template_pb2.GenerateTemplateRequest(type_name=type_name, template_type=_FORMS[form])
    answer = messages.plain(session.client.call(session.client.stub.GenerateTemplate, request))
    if session.form is not Format.TABLE:
        output.dump(session.form, answer)
        return
    click.echo(answer["template"], nl=False)


@command.command()
@client_options
def versions(session: Session) -> None:
    """List the versions that a template can be written in."""
    request = template_pb2.ListTemplateVersionsRequest()
    answer = messages.plain(session.client.call(session.client.stub.ListTemplateVersions, request))
    output.show_list(session.form, answer["template_versions"], ("version", "aliases"))


@command.command()
@click.argument("version", metavar="VERSION")
@click.option("--with-condition", is_flag=True, help="List the functions too that only conditions have.")
@client_options
def functions(session: Session, version: str, with_condition: bool) -> None:
    """List the functions of a version, such as heat_template_version.2021-04-16."""
    request = template_pb2.ListTemplateFunctionsRequest(template_version=version, with_condition=with_condition)
    answer = messages.plain(session.client.call(session.client.stub.ListTemplateFunctions, request))
    output.show_list(session.form, answer["template_functions"], ("functions", "description"))


def _nodes(resources: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    return tuple(
        Node(
            one["resource_name"],
            one["resource_type"],
            required_by=tuple(one["required_by"]),
            inside=_nodes(one["resources"]),
        )
        for one in resources
    )
