"""`isotherm stack hooks`: which resources wait for somebody to let them go on."""

from __future__ import annotations

from typing import Final

import click
from isotherm.v1 import resource_pb2

from engine.cli import messages, output
from engine.cli.options import Session, client_options, stack_called

_COLUMNS: Final = ("stack_name", "resource_name", "hook", "status", "resource_type")
_EVERY_LEVEL: Final = 2**31 - 1  # an engine goes down as deep as stacks may be nested


@click.command()
@click.argument("stack")
@client_options
def hooks(session: Session, stack: str) -> None:
    """List the resources that wait at a hook, those of nested stacks too.

    `isotherm resource unset-hook` lets one of them go on.
    """
    request = resource_pb2.ListStackResourcesRequest(stack_identity=stack_called(stack), nested_depth=_EVERY_LEVEL)
    found = session.client.items(session.client.stub.ListStackResources, request, "resources")
    rows = [messages.of_resource(messages.plain(resource)) for resource in found if resource.hook]
    output.show_list(session.form, rows, _COLUMNS)
