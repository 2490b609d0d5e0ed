"""`isotherm service`: the engines that share a database."""

from __future__ import annotations

from typing import Final

import click
from isotherm.v1 import service_pb2

from engine.cli import exits, messages, output
from engine.cli.options import Session, client_options

_COLUMNS: Final = ("hostname", "binary", "engine_id", "status", "updated_at")


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """List the engines."""


@command.command("list")
@client_options
def list_(session: Session) -> None:
    """List the engines with the time of their last sign of life."""
    request = service_pb2.ListServicesRequest()
    found = session.client.items(session.client.stub.ListServices, request, "services")
    output.show_list(session.form, [messages.plain(item) for item in found], _COLUMNS)
