"""Trees of resources: the live one that `--wait` shows on a terminal, its lines for everywhere else, and one at rest.

The live tree never floods: when it is longer than the screen, what is over and well is only counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.cli.progress import FAILED, IN_PROGRESS, Node, Progress, Row, Seen

_FRAMES_PER_SECOND: Final = 8
_SURROUNDINGS: Final = 5  # lines of the screen that are not for the tree
_MARKS: Final = {"COMPLETE": "✓", FAILED: "✗", IN_PROGRESS: "…"}
_PLAIN_MARKS: Final = {"COMPLETE": "+", FAILED: "x", IN_PROGRESS: "."}
_STYLES: Final = {"COMPLETE": "green", FAILED: "red", IN_PROGRESS: "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a tree: something that has a state."""

    depth: int
    name: str
    state: str
    status: str  # the part of the state that mark and color go by; "": neither
    details: tuple[Text, ...]  # further cells
    is_old: bool = False  # another one has taken its place


class Show(Protocol):
    """Somebody who tells the user what happens."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """End; what is shown stays."""
        ...

    def event(self, seen: Seen, node: Node | None) -> None:
        """Tell of an event."""
        ...

    def failed(self, cause: Sequence[str]) -> None:
        """Tell why it failed."""
        ...


@dataclass(slots=True)
class Lines:
    """One line for each event, for pipes and logs."""

    progress: Progress
    to_stderr: bool  # standard output is for the result

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """End with nothing."""

    def event(self, seen: Seen, node: Node | None) -> None:
        """Print time, state, path, type, duration and, of a failure, the reason."""
        path = "/".join((self.progress.name, *self.progress.names(seen)))
        if node is None:
            path = path.rpartition("/")[0]
        parts = [f"{seen.time:%Y-%m-%dT%H:%M:%SZ}", seen.state, path, seen.type]
        if node is not None and seen.status != IN_PROGRESS:
            parts.append(_seconds(node.seconds(time.monotonic())))
        if seen.status == FAILED:
            parts.append(seen.reason)
        click.echo("  ".join(part for part in parts if part), err=self.to_stderr)

    def failed(self, cause: Sequence[str]) -> None:
        """Print the cause below the events; it is the last that is said."""
        for line in ("Root cause:", *(f"  {line}" for line in cause)):
            click.echo(line, err=True)


class Tree:
    """The live tree. It is drawn by rich's own thread, and so goes on while no event comes."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._cause: Sequence[str] = ()
        self._ended: float | None = None
        # Last: it draws the first frame at once.
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=_FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Draw for the last time."""
        self._ended = time.monotonic()
        self._live.__exit__(None, None, None)

    def event(self, seen: Seen, node: Node | None) -> None:
        """Do nothing: the next frame shows it."""

    def failed(self, cause: Sequence[str]) -> None:
        """Show the cause above everything."""
        self._cause = cause

    def _draw(self) -> RenderableType:
        now = self._ended or time.monotonic()
        rows = self._progress.rows()
        room = max(self._console.height - _SURROUNDINGS - len(self._cause), 3)
        shown, hidden = _fitting(rows, room)
        parts: list[RenderableType] = [Text(line, style="bold red") for line in self._cause]
        parts.append(self._header(now))
        if shown:
            parts.append(grid((_line(row, now) for row in shown), self._console))
        if hidden:
            parts.append(Text(f"and {hidden} more", style="dim"))
        return Group(*parts)

    def _header(self, now: float) -> RenderableType:
        progress, counts = self._progress, self._progress.counts()
        total = counts.total or (counts.ended + counts.active)
        if progress.state.endswith("COMPLETE"):
            total = counts.ended  # conditions may have left out some that were expected
        header = Table.grid(padding=(0, 2))
        numbers = f"{counts.ended}/{total}"
        if counts.failed:
            numbers += f", {counts.failed} failed"
        header.add_row(
            Text(progress.name, style="bold"),
            Text(progress.state or "waiting for the first event", style=_style(progress.state)),
            ProgressBar(total=total or 1, completed=counts.ended, width=30),
            Text(numbers),
            Text(_seconds(now - progress.began) if progress.began is not None else ""),
        )
        return header


def grid(lines: Iterable[Line], console: Console) -> RenderableType:
    """Return the lines of a tree, with marks and indents that the console can show."""
    unicode = console.encoding.startswith("utf")
    marks, indent = (_MARKS, "│  ") if unicode else (_PLAIN_MARKS, "|  ")
    table = Table.grid(padding=(0, 2))
    for line in lines:
        style = _STYLES.get(line.status, "")
        name = f"{indent * line.depth}{marks.get(line.status, ' ')} {line.name}{' (old)' if line.is_old else ''}"
        table.add_row(Text(name, style=style, no_wrap=True), Text(line.state, style=style, no_wrap=True), *line.details)
    return table


def show_for(progress: Progress, *, to_stderr: bool) -> Show:
    """Return a tree if somebody watches, lines otherwise."""
    console = Console(stderr=to_stderr, highlight=False)
    return Tree(progress, console) if console.is_terminal else Lines(progress, to_stderr)


def _line(row: Row, now: float) -> Line:
    """Return a line of the live tree: with the time that it takes, and why it failed or else its type."""
    seen = row.node.seen
    seconds = Text(_seconds(row.node.seconds(now)), justify="right", no_wrap=True)
    about = Text(seen.reason if seen.status == FAILED else seen.type, style="dim", no_wrap=True)
    return Line(row.depth, seen.name, row.node.state, seen.status, (seconds, about), row.is_old)


def _fitting(rows: Sequence[Row], room: int) -> tuple[Sequence[Row], int]:
    """Return the rows to show and how many are left out: all fit, or what failed and goes on comes first."""
    if len(rows) <= room:
        return rows, 0
    failed = [row for row in rows if row.node.seen.status == FAILED]
    active = [row for row in rows if row.node.seen.status == IN_PROGRESS]
    chosen = {id(row) for row in (*failed, *active)[:room]}
    shown = [row for row in rows if id(row) in chosen]
    return shown, len(rows) - len(shown)


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"


def _style(state: str) -> str:
    return next((style for status, style in _STYLES.items() if state.endswith(status)), "")
