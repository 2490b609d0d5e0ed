"""yaql expressions computed at a distance: in worker processes that are killed at their limit.

A few characters of yaql can ask for all time and memory there is, and a thread can't be killed. So what templates ask
goes to a `caged` worker, one request at a time. `Cage` answers as `engine.template.queries` does; service makes one,
and the scopes of templates ask it from any thread. Workers are started when they are needed and kept. One that hits a
limit is gone, its request is refused, and the next request gets a fresh one: other callers only wait their turn.

Nothing is tried twice: what ended one worker would end the next.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.runtime import caged
from engine.runtime.clock import SystemClock
from engine.runtime.turns import Turns
from engine.template import queries
from engine.template.expressions import BadArgument, Overspent
from engine.template.queries import QueryLimits

log = logging.getLogger(__name__)

MAX_REQUEST: Final = 1_000_000  # characters of an expression and its data, as JSON
MAX_ANSWER: Final = 8 * queries.MAX_RESULT  # bytes; no worker of ours sends as many
_REQUESTS_OF_A_WORKER: Final = 1_000  # then a fresh one takes its place, should yaql or Python not forget everything
_REMEMBERED: Final = 256  # expressions that were found good
_LONGEST_REMEMBERED: Final = 2_000  # characters of one
_PATIENCE: Final = 5.0  # seconds for the kernel to end a killed process

_monotonic = SystemClock().monotonic


@dataclass(frozen=True, slots=True)
class CageLimits:
    """What requests may take."""

    seconds: float = 1.0  # of one request, by the clock on the wall, from the moment that a worker is handed it
    memory: int = 64 << 20  # bytes that a request may take; the process that computes it begins with some 25 MB
    workers: int = 2  # at once; further callers wait their turn
    waiting_seconds: float = 10.0  # for that turn
    starting_seconds: float = 10.0  # for a worker to start


class Cage:
    """Computes yaql expressions in worker processes. May be called from any thread."""

    def __init__(self, limits: CageLimits | None = None, query_limits: QueryLimits = queries.DEFAULT_LIMITS) -> None:
        """Make a cage; no process is started before it is needed."""
        self._limits = limits or CageLimits()
        settings = caged.Settings(self._limits.seconds, self._limits.memory, query_limits)
        self._workers = tuple(_Worker(self._limits, settings) for _ in range(self._limits.workers))
        self._turns = Turns(self._workers)
        self._taken = threading.local()  # seconds that workers spent for each thread
        self._check_remembered = functools.lru_cache(_REMEMBERED)(self._check)

    def check(self, expression: str) -> None:
        """Raise `BadArgument` if the text is no yaql expression."""
        if len(expression) <= _LONGEST_REMEMBERED:
            self._check_remembered(expression)
        else:
            self._check(expression)

    def run(self, expression: str, data: Any) -> Any:
        """Return the value of an expression as plain JSON data; `data` is what it finds as `$.data`.

        Raise `BadArgument` if it has none, with REQUEST_LIMIT_EXCEEDED if a limit is in the way; where that took a
        worker, it is `Overspent`, so that a template does not go on to end the next. Raise `EngineError`, SHUTTING_DOWN
        or INTERNAL, if the engine is to blame.
        """
        return self._ask(caged.RUN, expression, data)

    def thread_time(self) -> float:
        """Return the processor seconds of this thread and of the workers for it; one that was killed had all it may."""
        return time.thread_time() + getattr(self._taken, "seconds", 0.0)

    def pids(self) -> list[int]:
        """Return the process ids of the workers that are there."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]

    def stop(self) -> None:
        """Refuse new requests and those that wait, let those go on that are under way, and end the workers.

        Returns when all processes are gone: after `seconds`, and what starting may take, at the latest.
        """
        self._turns.close(self._limits.seconds + self._limits.starting_seconds + _PATIENCE)
        for worker in self._workers:
            worker.end()

    def _check(self, expression: str) -> None:
        self._ask(caged.CHECK, expression, None)

    def _ask(self, kind: str, expression: str, data: Any) -> Any:
        shown = queries.shown(expression)
        request = _request(kind, expression, data)
        try:
            worker = self._turns.take(self._limits.waiting_seconds)
        except queue.Empty:
            text = f"the yaql expression {shown} waited {self._limits.waiting_seconds:g} s for its turn, and had none"
            raise Overspent(text) from None
        try:
            answer = worker.ask(request)
        except _WorkerError as end:
            self._count(self._limits.seconds)
            raise Overspent(f"the yaql expression {shown} has no value: {end}") from None
        finally:
            self._turns.give(worker)
        self._count(answer.get("seconds", 0.0))
        if "error" in answer:
            raise BadArgument(answer["error"], Code(answer["code"]))
        return answer["value"]

    def _count(self, seconds: float) -> None:
        self._taken.seconds = getattr(self._taken, "seconds", 0.0) + seconds


def _request(kind: str, expression: str, data: Any) -> bytes:
    try:
        text = json.dumps((kind, expression, data), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the data of the yaql expression {queries.shown(expression)} can't be made JSON: {error}"
        raise BadArgument(message) from None
    if len(text) > MAX_REQUEST:
        what = f"the yaql expression {queries.shown(expression)} and its data have {len(text)} characters as JSON"
        raise BadArgument(f"{what}; at most {MAX_REQUEST} are allowed", Code.REQUEST_LIMIT_EXCEEDED)
    return caged.framed(text)


class _WorkerError(Exception):
    """A request took its process with it; the text says how."""


class _Worker:
    """At most one process. Used by one thread at a time, which `Turns` sees to."""

    def __init__(self, limits: CageLimits, settings: caged.Settings) -> None:
        self._limits = limits
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None  # None: none is there
        self._pipe: socket.socket | None = None  # None: as above
        self._left = 0  # requests, before the process is replaced; 0: it has not said yet that it is ready

    @property
    def pid(self) -> int | None:
        """The process id; None: there is no process."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: bytes) -> dict[str, Any]:
        """Return the answer of a process, started if there is none; raise `_WorkerError` if that is its end."""
        pipe = self._ready_pipe()
        try:
            deadline = _monotonic() + self._limits.seconds
            _hurry(pipe, deadline)
            pipe.sendall(request)
            answer: dict[str, Any] = _received(pipe, deadline)
        except TimeoutError:
            self._renew()
            raise _WorkerError(f"it takes longer than the {self._limits.seconds:g} s that it may") from None
        except (OSError, EOFError):
            code = self._renew()
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise _WorkerError(f"the process that computed it ended {how}") from None
        except BaseException:
            self.end()  # an answer may be on its way, and the next request must not get it
            raise
        self._left -= 1
        if self._left <= 0 or "spent" in answer:
            self._renew()
        if "spent" in answer:
            raise _WorkerError(answer["spent"])
        return answer

    def end(self) -> int:
        """Kill the process, if there is one, and return what it left, as `Popen.returncode` has it."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        self._left = 0
        if pipe is not None:
            pipe.close()
        if process is None:
            return 0
        code = process.poll()
        if code is not None:
            return code
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel; it will end when it is let go
            process.wait(_PATIENCE)
        return process.returncode or -signal.SIGKILL

    def _renew(self) -> int:
        """End the process and let the next one warm up while nobody waits for it; return what `end` does."""
        code = self.end()
        try:
            self._launch()
        except OSError:  # the next request tries again, and says why it can't be
            self.end()
        return code

    def _ready_pipe(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            log.warning("worker %s ended while it had nothing to do: %s", self._process.pid, self._process.returncode)
            self.end()
        if self._pipe is not None and self._left:
            return self._pipe
        try:
            pipe = self._pipe or self._launch()
            greeting = _received(pipe, _monotonic() + self._limits.starting_seconds)
            if "ready" not in greeting:
                raise OSError(greeting.get("broken"))
        except (OSError, EOFError) as error:
            code = self.end()
            log.error("the worker for yaql did not start (%s): %s", code, error)  # noqa: TRY400  the reason is in it
            raise EngineError(Code.INTERNAL, f"yaql can't be computed: the worker did not start: {error}") from None
        self._left = _REQUESTS_OF_A_WORKER
        return pipe

    def _launch(self) -> socket.socket:
        ours, its = socket.socketpair()
        command = [sys.executable, "-s", "-P", "-B", "-m", caged.__name__, self._settings.to_json()]
        self._pipe = ours
        with its:
            self._process = subprocess.Popen(
                command,
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # what a terminal sends the engine is not for it
            )
        return ours


def _environment() -> dict[str, str]:
    """Return all that a worker sees of the world: enough to run Python, and to compute the same in any process."""
    fixed = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    return fixed | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _hurry(pipe: socket.socket, deadline: float) -> None:
    # Never nothing: what arrived in time counts, even if this thread is late to look.
    pipe.settimeout(max(deadline - _monotonic(), 0.001))


def _received(pipe: socket.socket, deadline: float) -> Any:
    length: int = caged.HEADER.unpack(_exactly(pipe, caged.HEADER.size, deadline))[0]
    if length > MAX_ANSWER:
        raise OSError(f"a worker wants to send {length} bytes")
    return caged.unframed(_exactly(pipe, length, deadline))


def _exactly(pipe: socket.socket, count: int, deadline: float) -> bytes:
    found = bytearray()
    while len(found) < count:
        _hurry(pipe, deadline)
        part = pipe.recv(min(count - len(found), 1 << 16))
        if not part:
            raise EOFError("its pipe is closed")
        found += part
    return bytes(found)
