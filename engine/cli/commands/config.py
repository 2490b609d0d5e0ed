"""`isotherm config`: what an engine would be run with, and why."""

from __future__ import annotations

import click

from engine.cli import exits, output
from engine.cli.output import Format
from engine.cli.settings import config_options
from engine.config import Loaded


@click.group(epilog=exits.EXPLAINED)
def command() -> None:
    """Show the configuration of an engine."""


@command.command()
@config_options()
@click.option("-o", "--output", "form", type=click.Choice([form.value for form in Format]), default="table")
def show(loaded: Loaded, form: str) -> None:
    """Print every option, its value and where that comes from.

    Later wins: default, TOML file, ISOTHERM_* of the environment, flag. Secrets are masked.
    """
    rows = [{"option": name, "value": value, "from": loaded.origins[name]} for name, value in loaded.shown().items()]
    output.show_list(Format(form), rows, ("option", "value", "from"))
