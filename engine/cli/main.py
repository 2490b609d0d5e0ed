"""The command `isotherm`: names the commands and loads the module of the one that is called.

A module is loaded when its command runs, because `serve` brings the whole engine with it and a client should
answer at once. So this file says the help line of each command itself.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

from engine.cli import exits
from engine.cli.exits import ExitCode, Failed

COMMANDS: Final = {
    "stack": "Create, update, delete and read stacks.",
    "snapshot": "Save the state of a stack, and come back to it.",
    "template": "Check, draw or begin a template.",
    "resource": "Signal a resource, or mark it as unhealthy.",
    "resource-type": "Look up what resources there are.",
    "service": "List the engines.",
    "serve": "Run an engine.",
    "db": "Prepare, mend and purge a database.",
    "config": "Show the configuration of an engine.",
}


class Commands(click.Group):
    """A group whose commands live in the modules of this package, each in its `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module of the command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"engine.cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end as shells say that an interrupted one ends."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Failed(ExitCode.INTERRUPTED, "interrupted") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, epilog=exits.EXPLAINED)
@click.version_option(package_name="isotherm")
def main() -> None:
    """Bring stacks of resources to the state that a template declares.

    Every command that speaks to an engine takes --endpoint (or ISOTHERM_ENDPOINT) and --project (or
    ISOTHERM_PROJECT), and if it prints a result, -o json|yaml|table. `isotherm COMMAND --help` says the rest.
    """
