"""What is wrong with an input, collected: every problem has a path, and a line where the text is known.

Validation never stops at the first problem. Pure floors return or yield `Problem`s; the caller raises `TemplateInvalid`
once, with all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

PathPart = str | int
Path = tuple[PathPart, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what would be right."""

    path: Path  # () is the document itself
    summary: str
    line: int | None = None  # 1-based line of the template; None: not from a text, or from another file
    source: str = ""  # name of the file the line counts in; "": the root template
    code: str = "STACK_VALIDATION_FAILED"  # reason of rpc.md §6.2 that fits best

    def under(self, *prefix: PathPart) -> Problem:
        """Return the same problem, found below `prefix`."""
        return replace(self, path=(*prefix, *self.path))

    def where(self) -> str:
        """Return the path as people read it: `resources.web.properties.ports[0]`."""
        return render_path(self.path)

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        name = f"{self.source}: " if self.source else ""
        path = f"{self.where()}: " if self.path else ""
        return f"{name}{place}{path}{self.summary}"


def render_path(path: Iterable[PathPart]) -> str:
    """Return a path as text: names joined by dots, indices in brackets (templates.md §1.2)."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def summarise(problems: Sequence[Problem]) -> str:
    """Return one line for a status message: the first problem, and how many more there are."""
    if not problems:
        return "invalid"
    more = len(problems) - 1
    return str(problems[0]) + (f" (and {more} more problem{'s' if more > 1 else ''})" if more else "")
