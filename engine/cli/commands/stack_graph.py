"""`isotherm stack graph` and what it shares with `template graph`: how resources depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from engine.cli import graphs, inventory, output
from engine.cli.graphs import Node
from engine.cli.inventory import Inventory, Path
from engine.cli.options import Function, Session, client_options, depth_option
from engine.cli.output import Format

_FORMAT_HELP: Final = "mermaid, dot or text. Not given: text on a terminal, mermaid elsewhere."


def format_option(function: Function) -> Function:
    """Add --format, and pass it on as `language`: the name of one of the drawings, or None."""
    return click.option("--format", "language", type=click.Choice(list(graphs.FORMATS)), help=_FORMAT_HELP)(function)


@click.command()
@click.argument("stack")
@format_option
@depth_option
@client_options
def graph(session: Session, stack: str, language: str | None, depth: int) -> None:
    """Draw how the resources of a stack depend on each other.

    An arrow leads from a resource to one that needs it. Mermaid is what many pages render as it stands, dot is what
    Graphviz draws.
    """
    found = inventory.read(session.client, stack, depth=depth)
    show(session, language, found.name, _nodes(found, ()))


def show(session: Session, language: str | None, title: str, nodes: Sequence[Node]) -> None:
    """Print a graph; with -o json or yaml as data."""
    if session.form is not Format.TABLE:
        output.dump(session.form, graphs.plain(nodes))
        return
    chosen = language or ("text" if output.console().is_terminal else "mermaid")
    click.echo(graphs.FORMATS[chosen](title, nodes), nl=False)


def _nodes(found: Inventory, path: Path) -> tuple[Node, ...]:
    return tuple(
        Node(
            one.name,
            one.type,
            one.status if one.is_reached else "",
            tuple(one.required_by),
            _nodes(found, one.path),
        )
        for one in found.inside(path)
    )
