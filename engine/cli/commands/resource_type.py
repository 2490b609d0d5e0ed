"""`isotherm resource-type`: what a template can be made of."""

from __future__ import annotations

from typing import Final

import click
from isotherm.v1 import resource_type_pb2

from engine.cli import exits, messages, output
from engine.cli.options import Session, client_options
from engine.cli.output import Format

_PROPERTIES: Final = ("property", "type", "required", "update_allowed", "default", "description")
_ATTRIBUTES: Final = ("attribute", "type", "description")


@click.group("resource-type", epilog=exits.EXPLAINED)
def command() -> None:
    """Look up what resources there are."""


@command.command("list")
@click.option("--filter", "type_name", default="", help="Only names that match this regular expression.")
@client_options
def list_(session: Session, type_name: str) -> None:
    """List the types of resources."""
    request = resource_type_pb2.ListResourceTypesRequest(type_name=type_name, with_description=True)
    found = session.client.items(session.client.stub.ListResourceTypes, request, "resource_types")
    types = [messages.plain(item) for item in found]
    output.show_list(session.form, types, ("resource_type", "description"))


@command.command()
@click.argument("type_name", metavar="TYPE")
@client_options
def show(session: Session, type_name: str) -> None:
    """Show the properties and attributes of a type."""
    request = resource_type_pb2.ResourceSchemaRequest(type_name=type_name, with_description=True)
    schema = messages.plain(session.client.call(session.client.stub.ResourceSchema, request))
    if session.form is not Format.TABLE:
        output.dump(session.form, schema)
        return
    click.echo(f"{schema['resource_type']}: {schema['description']}\n")
    properties = [{"property": name, **value} for name, value in schema["properties"].items()]
    output.show_list(session.form, properties, _PROPERTIES)
    click.echo()
    attributes = [{"attribute": name, **value} for name, value in schema["attributes"].items()]
    output.show_list(session.form, attributes, _ATTRIBUTES)
