"""`isotherm stack`: everything that is done with stacks."""

from __future__ import annotations

import click

from engine.cli import exits
from engine.cli.commands import (
    stack_actions,
    stack_changes,
    stack_diff,
    stack_exports,
    stack_graph,
    stack_hooks,
    stack_inside,
    stack_reads,
    stack_watch,
)


@click.group(
    epilog=exits.EXPLAINED,
    commands=[
        stack_changes.create,
        stack_changes.update,
        stack_changes.delete,
        stack_changes.preview,
        stack_actions.suspend,
        stack_actions.resume,
        stack_actions.check,
        stack_actions.cancel,
        stack_actions.rollback,
        stack_reads.list_,
        stack_reads.show,
        stack_reads.outputs,
        stack_reads.resources,
        stack_reads.events,
        stack_inside.tree,
        stack_inside.failures_,
        stack_graph.graph,
        stack_diff.diff,
        stack_watch.watch,
        stack_hooks.hooks,
        stack_exports.export,
        stack_exports.abandon,
    ],
)
def command() -> None:
    """Create, change, delete and read stacks. STACK is a name or an id."""
