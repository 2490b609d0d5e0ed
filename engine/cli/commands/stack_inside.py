"""`isotherm stack tree|failures`: what a stack consists of with all that is nested in it, and what is wrong there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
from rich.text import Text

from engine.cli import causes, drawing, failures, inventory, output, waiting
from engine.cli.causes import Sources
from engine.cli.drawing import Line
from engine.cli.exits import ExitCode
from engine.cli.failures import Finding, Role
from engine.cli.inventory import Inventory, Path, Resource
from engine.cli.options import Session, client_options, depth_option
from engine.cli.output import Format
from engine.cli.progress import FAILED, ROLLBACK, STACK_TYPE

_TITLES: Final = {
    Role.ROOT_CAUSE: "Root cause:",
    Role.CONSEQUENCE: "Failed because of it:",
    Role.FAILED_TOO: "Failed too:",
    Role.NOT_REACHED: "Not reached:",
}


@click.command()
@click.argument("stack")
@depth_option
@client_options
def tree(session: Session, stack: str, depth: int) -> None:
    """Show a stack with everything in it: state, type, id, and why it failed or waits.

    The resources of a nested stack stand below the one that it belongs to.
    """
    found = inventory.read(session.client, stack, depth=depth)
    if session.form is not Format.TABLE:
        output.dump(session.form, {**found.stack, "resources": _nested(found, ())})
        return
    screen = output.console()
    screen.print(drawing.grid(_lines(found), screen))


@click.command("failures")
@click.argument("stack")
@client_options
def failures_(session: Session, stack: str) -> None:
    """Show what failed in a stack and in all that is nested in it, the root cause first.

    Looks at the state of the stack and at the events of its last action, so that a failure that was rolled back is told
    too. Ends with 1 if something has failed, and with 0 if nothing has.
    """
    found = inventory.read(session.client, stack)
    told = failures.findings(found, waiting.last_action(session.client, found.identity))
    rolled_back = found.stack["stack_action"] == ROLLBACK
    sources = inventory.NOTHING if rolled_back or not told else inventory.sources(session.client, found.identity)
    if session.form is not Format.TABLE:
        output.dump(session.form, [_row(found, one) for one in told])
    elif told:
        _print_findings(found, told, sources)
        if rolled_back:
            click.echo(f'Stack "{found.name}" is {found.stack["status"]}.')
    else:
        click.echo(f'nothing has failed in stack "{found.name}", which is {found.stack["status"]}')
    click.get_current_context().exit(ExitCode.STACK_FAILED if told else ExitCode.OK)


def _nested(found: Inventory, path: Path) -> list[dict[str, Any]]:
    """Return the resources of a stack as programs get them, each with those of its nested stack."""
    return [{**one.values, "resources": _nested(found, one.path)} for one in found.inside(path)]


def _lines(found: Inventory) -> Iterator[Line]:
    """Yield the stack itself and, below it, each resource."""
    stack = found.stack
    about = (stack["id"], stack["status_reason"] if stack["stack_status"] == FAILED else "")
    yield Line(0, found.name, stack["status"], stack["stack_status"], _details(STACK_TYPE, *about))
    for one in found.resources:
        about = (one.values["physical_resource_id"], _remark(one))
        status = one.status if one.is_reached else ""
        yield Line(len(one.path), one.name, one.values["status"], status, _details(one.type, *about))


def _remark(one: Resource) -> str:
    """Return why a resource failed, or at which breakpoint it waits."""
    if one.status == FAILED:
        return one.reason
    hook = one.values["hook"]
    return f"waits at the hook {hook}" if hook else ""


def _details(type_: str, physical_id: str, reason: str) -> tuple[Text, ...]:
    return Text(type_, style="dim"), Text(physical_id, style="dim"), Text(" ".join(reason.split()))


def _row(found: Inventory, one: Finding) -> dict[str, Any]:
    """Return a finding as programs get it."""
    told = one.told
    return {
        "role": one.role.value.replace(" ", "_"),
        "path": _called(found, told.path),
        "resource_type": told.type,
        "status": told.state,
        "status_reason": told.reason,
        "because_of": None if one.because_of is None else _called(found, one.because_of),
    }


def _print_findings(found: Inventory, told: Sequence[Finding], sources: Sources) -> None:
    """Print every finding below the title of its role."""
    title = ""
    for one in told:
        if title != _TITLES[one.role]:
            title = _TITLES[one.role]
            click.echo(click.style(title, bold=True))
        for line in _text(found, one, sources):
            click.echo(f"  {line}")


def _text(found: Inventory, one: Finding, sources: Sources) -> list[str]:
    told = one.told
    if told.path and one.role in (Role.ROOT_CAUSE, Role.FAILED_TOO):
        return causes.explain(told.path, told, sources)
    parts = [f"{_called(found, told.path)} ({told.type}), {told.state}"]
    if one.role is Role.NOT_REACHED:
        parts.append("" if one.because_of is None else f"after {_called(found, one.because_of)}")
    else:
        parts.append(" ".join(told.reason.split()))
    return [": ".join(part for part in parts if part)]


def _called(found: Inventory, path: Path) -> str:
    """Return what to call something: `web/right/door`."""
    return "/".join((found.name, *path))
