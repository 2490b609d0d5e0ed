"""`isotherm template`: checking a template without a stack."""

from __future__ import annotations

from typing import Any, Final

import click
from isotherm.v1 import template_pb2

from engine.cli import exits, messages, output, requests
from engine.cli.options import Definition, Session, client_options, definition_options
from engine.cli.output import Format

_COLUMNS: Final = ("name", "type", "default", "value", "description")


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Check a template."""


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
