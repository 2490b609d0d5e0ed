"""How a command ends: exit codes that scripts can rely on, and the exception that leads there.

Every other module of this folder raises `Failed`; click prints it and exits with its code. The numbers are a
promise, and so is their table in the README.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import IO, Any, Final

import click


class ExitCode(IntEnum):
    """What the exit status of a command says."""

    OK = 0
    STACK_FAILED = 1  # the stack did not come to what was asked; also: the engine could not start
    USAGE = 2  # click's own number for a wrong command line
    REFUSED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    TIMED_OUT = 6
    ENGINE_ERROR = 7
    CHANGES = 8  # only where it is asked for, with --exit-code
    INTERRUPTED = 130  # what shells say of Ctrl-C


EXPLAINED: Final = """\
\b
Exit codes:
  0    done
  1    the stack failed (with --wait, `stack watch` and `stack failures`), or the engine could not start
  2    wrong command line, file or configuration
  3    the engine refused: invalid template, duplicate name, wrong state, limit, not allowed
  4    there is no such stack, resource, output, type, snapshot or event
  5    no engine can be reached
  6    the time given with --wait-timeout is over, or a call took too long
  7    an error of the engine itself
  8    something would change (`stack diff --exit-code`)
  130  interrupted; what the engine was asked to do goes on
"""


class Failed(click.ClickException):
    """A command ends here: one line that says why, and below it the details, if there are any."""

    def __init__(self, exit_code: ExitCode, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click means it as a constant of the class
        self.details = tuple(details)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print to standard error, so that standard output holds nothing but results."""
        click.echo(f"Error: {self.message}", file=file, err=True)
        for line in self.details:
            click.echo(f"  {line}", file=file, err=True)
