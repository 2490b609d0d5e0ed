"""`isotherm stack diff`: what an update would change, property by property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click
from isotherm.v1 import stack_pb2

from engine.cli import diffs, inventory, messages, output, requests
from engine.cli.exits import ExitCode
from engine.cli.inventory import Inventory, Path
from engine.cli.options import Definition, Session, client_options, definition_options, overlay_options
from engine.cli.output import Format

_COLORS: Final = {"added": "green", "updated": "yellow", "replaced": "magenta", "deleted": "red"}


@click.command()
@click.argument("stack")
@definition_options(template_required=False)
@overlay_options
@click.option("--exit-code", "by_exit_code", is_flag=True, help="End with 8 if anything would change, else with 0.")
@client_options
def diff(session: Session, stack: str, *, definition: Definition, overlay: dict[str, Any], by_exit_code: bool) -> None:
    """Show what an update would change, with the values before and after, and do nothing.

    Nested stacks are compared too. The options mean what they mean to `stack update`. What comes from a parameter
    that the old or the new template hides reads ******, also by way of attributes and inside nested stacks.
    """
    client = session.client
    given = requests.given(definition)
    found = inventory.read(client, stack)
    request = stack_pb2.PreviewUpdateStackRequest(
        stack_identity=found.identity, show_nested=True, **overlay, **given.fields
    )
    answer = messages.plain(client.call(client.stub.PreviewUpdateStack, request))
    compared = diffs.compared(answer, _places(found))
    numbers = diffs.counts(compared)
    if session.form is Format.TABLE:
        for change, line in diffs.lines(compared):
            click.echo(click.style(line, fg=_COLORS[change]))
        click.echo(diffs.summary(numbers))
    else:
        listed = {name: [_plain(one) for one in compared if one.change == name] for name in diffs.CHANGES}
        output.dump(session.form, {"counts": numbers, **listed})
    if by_exit_code and any(numbers[name] for name in diffs.CHANGES if name != "unchanged"):
        click.get_current_context().exit(ExitCode.CHANGES)


def _places(found: Inventory) -> dict[str, Path]:
    """Return the path of each stack of the tree by its name."""
    nested = {one.nested_name: one.path for one in found.resources if one.nested_name}
    return {found.name: (), **nested}


def _plain(one: diffs.Compared) -> Mapping[str, Any]:
    return {"path": "/".join(one.path), **messages.of_resource(one.values)}
