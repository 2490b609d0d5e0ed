"""`isotherm stack watch`: what happens in a stack and in all that is nested in it, as it happens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import click
from isotherm.v1 import event_pb2

from engine.cli import causes, changes, drawing, inventory, output, waiting
from engine.cli.client import Client
from engine.cli.drawing import Lines, Show
from engine.cli.exits import ExitCode, Failed
from engine.cli.options import Session, client_options, depth_option
from engine.cli.output import Format
from engine.cli.progress import FAILED, ROLLBACK, Node, Progress, Seen
from engine.cli.waiting import Watch


@dataclass(slots=True)
class Records(Lines):
    """One piece of data for each event, for programs."""

    form: Format

    def event(self, seen: Seen, node: Node | None) -> None:
        """Print the event, with its id and the path of its resource."""
        names = self.progress.names(seen)
        record = {
            "event_id": seen.event_id,
            "event_time": seen.time.isoformat().replace("+00:00", "Z"),
            "path": "/".join((self.progress.name, *(names if node is not None else names[:-1]))),
            "stack_name": seen.stack_name,
            "resource_name": seen.name,
            "resource_type": seen.type,
            "physical_resource_id": seen.physical_id,
            "status": seen.state,
            "status_reason": seen.reason,
        }
        output.dump_next(self.form, record)


@dataclass(slots=True)
class Spectator:
    """Takes events, and shows them; knows the last one, for whoever wants to go on after it."""

    progress: Progress
    show: Show
    last: str

    def __call__(self, seen: Seen) -> None:
        """Take the next event."""
        self.show.event(seen, self.progress.take(seen, time.monotonic()))
        self.last = seen.event_id


@click.command()
@click.argument("stack")
@click.option("--after", metavar="EVENT_ID", default="", help="Begin after this event.")
@click.option("--follow", is_flag=True, help="Go on when the stack is at rest, until interrupted.")
@depth_option
@client_options
def watch(session: Session, stack: str, *, after: str, follow: bool, depth: int) -> None:
    """Follow what happens in a stack and all that is nested in it, until the stack is at rest.

    Begins with the action that goes on or was the last one, unless --after says where. Ends with 1 if the stack has
    failed. On a terminal the tree is drawn; in a pipe each event is a line. With -o json each event is an object on a
    line of its own, with the event_id that --after takes.
    """
    client = session.client
    identity = changes.identify(client, stack)
    newest = waiting.last_event(client, identity, depth=depth)
    wanted = Watch(identity, after or waiting.beginning(client, identity), depth, newest)
    progress = Progress(identity.stack_id, identity.stack_name)
    with _show_for(session.form, progress) as show:
        spectator = Spectator(progress, show, wanted.after)
        try:
            found = _followed(client, wanted, spectator, follow=follow)
        except KeyboardInterrupt:
            hint = f"to go on from here: isotherm stack watch {stack} --after {spectator.last}"
            raise Failed(ExitCode.INTERRUPTED, "interrupted", [hint] if spectator.last else []) from None
        if found["stack_status"] != FAILED and not (found["stack_action"] == ROLLBACK and progress.failures()):
            return
        show.failed(_cause(client, wanted, progress, found))
    raise Failed(ExitCode.STACK_FAILED, f'stack "{progress.name}" is {found["stack_action"]}_{found["stack_status"]}')


def _show_for(form: Format, progress: Progress) -> Show:
    if form is Format.TABLE:
        return drawing.show_for(progress, to_stderr=False)
    return Records(progress, to_stderr=False, form=form)


def _followed(client: Client, wanted: Watch, spectator: Spectator, *, follow: bool) -> dict[str, Any]:
    """Show what happens and return the stack when it is at rest; never, if it is to be followed on."""
    if not follow:
        return waiting.until_at_rest(client, wanted, spectator)
    request = event_pb2.WatchEventsRequest(
        stack_identity=wanted.identity, after_event_id=wanted.after, nested_depth=wanted.depth
    )
    for event in waiting.events(client, request):
        spectator(event)
    raise AssertionError("events never end")


def _cause(client: Client, wanted: Watch, progress: Progress, stack: dict[str, Any]) -> list[str]:
    """Return what failed first, and where in the templates if they are still those that failed."""
    cause = progress.root_cause()
    if cause is None:
        return [stack["stack_status_reason"]]
    rolled_back = stack["stack_action"] == ROLLBACK
    sources = inventory.NOTHING if rolled_back else inventory.sources(client, wanted.identity)
    return causes.explain(progress.names(cause), cause, sources)
