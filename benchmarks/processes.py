"""Programs that are measured from outside: started on a free loopback port, watched in /proc, ended.

Called by the sections. Each program prints one line when it is ready, with its address; what it logs goes to
a file, which is shown when it does not get that far. Linux only: processor time and memory are read from
/proc.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.config import load

ROOT = Path(__file__).parents[1]

_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 20
_NO_LIMITS = {"ISOTHERM_MAX_RESOURCES_PER_STACK": "-1", "ISOTHERM_MAX_STACKS_PER_TENANT": "-1"}


class NotReady(Exception):
    """A program ended before it was ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """One that runs."""

    pid: int
    address: str

    def cpu_seconds(self) -> float:
        """Return the processor time it has used, all its threads together."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS

    def resident_mb(self) -> float:
        """Return the memory that it holds, in MB of 10^6 bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def engine(database: Path) -> Iterator[Program]:
    """Run an engine on an SQLite file, with the settings it has by default but for the limits on sizes."""
    url = f"sqlite:///{database}"
    command = ["-m", "engine", "serve", "--listen", "127.0.0.1:0", "--database", url]
    with _running(command, log=database.with_suffix(".log"), environment=_NO_LIMITS) as program:
        yield program


@contextmanager
def bare_server(answers: Path) -> Iterator[Program]:
    """Run the floor of calls (`bare.py`), which gives the answers in that folder."""
    config = load({}).config
    settings = [str(config.rpc_workers), str(config.max_message_size)]
    command = ["-m", "benchmarks.bare", str(answers), *settings]
    with _running(command, log=answers.with_suffix(".log")) as program:
        yield program


@contextmanager
def _running(arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Program(process.pid, _address(process, log))
        finally:
            _end(process)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _ADDRESS.search(line):
            return found.group()
    tail = log.read_text(encoding="utf-8").splitlines()[-20:]
    raise NotReady("\n".join([" ".join(map(str, process.args)), *tail]))  # type: ignore[arg-type]


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
