"""The worker that computes yaql expressions: `python -m engine.runtime.caged SETTINGS`, started by `cage` only.

It answers one request after the other on its standard input and output, and ends when the input does: an engine that
is gone leaves no worker behind. Frames are a length and JSON. The first one it sends says that it is ready, or what
keeps it from that.

Before it says so, it gives up what it does not need: files, other processes, and memory beyond what a request may
take on top of a warm interpreter. What the engine can't leave to it is the time: a regular expression at work lets no
Python code run, so that only the engine, or the kernel once the processor time is used up, can end it.
"""

from __future__ import annotations

import gc
import json
import math
import re
import resource
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from engine.template import queries
from engine.template.expressions import BadArgument
from engine.template.queries import QueryLimits

HEADER: Final = struct.Struct(">I")  # bytes of the frame that follows
CHECK: Final = "check"
RUN: Final = "run"

_LEEWAY: Final = 0.5  # seconds of processor time beyond the limit: an engine that is there is always first

# They load what yaql and Python otherwise load in the middle of a request, when no file can be opened any more.
_WARMING: Final = (
    "$.data.select($ + 1).where($ > 1).orderBy($).first()",
    "'a' =~ 'a.*' and '\\N{BULLET}'.toUpper() = 'x'",
    "datetime('2020', '%Y') > datetime('2020-01-02T03:04:05Z') or localtz() = timespan(1)",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the engine says to a worker that it starts."""

    seconds: float  # that one request may take; the engine watches it, this process only sees to its processor time
    memory: int  # bytes that a request may take, beside those of the warm interpreter
    limits: QueryLimits

    def to_json(self) -> str:
        """Return the settings as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Return the settings that `to_json` wrote."""
        found = json.loads(text)
        return cls(found["seconds"], found["memory"], QueryLimits(**found["limits"]))


def frame(message: Any) -> bytes:
    """Return a message as it goes over the pipe."""
    return framed(json.dumps(message, ensure_ascii=False))


def framed(text: str) -> bytes:
    """Return the frame of a message that is JSON already; half a surrogate pair in it is passed on as it is."""
    body = text.encode("utf-8", "surrogatepass")
    return HEADER.pack(len(body)) + body


def unframed(body: bytes) -> Any:
    """Return the message of a frame, without its header."""
    return json.loads(body.decode("utf-8", "surrogatepass"))


def main(arguments: list[str]) -> int:
    """Serve until the input ends; return the exit code."""
    settings = Settings.from_json(arguments[0])
    inbox, outbox = sys.stdin.buffer, sys.stdout.buffer
    try:
        _warm_up(settings.limits)
        _give_up_the_rest(settings.memory)
    except Exception as error:  # noqa: BLE001  the engine logs it
        _send(outbox, {"broken": f"{type(error).__name__}: {error}"})
        return 1
    _send(outbox, {"ready": True})
    while (request := _received(inbox)) is not None:
        _allow_processor_time(settings.seconds)
        answer = _answer(request, settings)
        del request
        try:
            outbox.write(answer)
            outbox.flush()
        except BrokenPipeError:  # the engine is gone, or has given up this request
            return 0
        del answer
        re.purge()  # the patterns of one request must not take the room of the next
        gc.collect()
    return 0


def _warm_up(limits: QueryLimits) -> None:
    for expression in _WARMING:
        queries.run(expression, [1, 2, 3], limits)
    gc.collect()
    gc.freeze()  # so that the collection after each request looks at that request only


def _give_up_the_rest(memory: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NPROC, 0)
    _lower(resource.RLIMIT_NOFILE, 3)  # standard input, output and errors are open; nothing else will be


def _lower(kind: int, value: int) -> None:
    _, highest = resource.getrlimit(kind)
    if highest != resource.RLIM_INFINITY:
        value = min(value, highest)
    resource.setrlimit(kind, (value, value))


def _allow_processor_time(seconds: float) -> None:
    """Let the kernel end this process if the next request takes too long and no engine is left to do so."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, highest = resource.getrlimit(resource.RLIMIT_CPU)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds + _LEEWAY)
    resource.setrlimit(resource.RLIMIT_CPU, (limit if highest < 0 else min(limit, highest), highest))


def _received(inbox: BinaryIO) -> bytes | None:
    """Return the next request; None: the input ended."""
    header = inbox.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length = HEADER.unpack(header)[0]
    body = inbox.read(length)
    return body if len(body) == length else None


def _answer(request: bytes, settings: Settings) -> bytes:
    """Return the frame that answers a request: a value, an error, or what spent this process for any other one."""
    begun = time.process_time()
    try:
        kind, expression, data = unframed(request)
        if kind == CHECK:
            queries.check(expression, settings.limits)
            value = None
        else:
            value = queries.run(expression, data, settings.limits)
        return frame({"value": value, "seconds": time.process_time() - begun})
    except BadArgument as error:
        return frame({"error": str(error), "code": error.code, "seconds": time.process_time() - begun})
    except RecursionError:
        reason = "its data is nested too deeply"
    except MemoryError:
        reason = f"it takes more memory than the {settings.memory >> 20} MB that it may"
    # After the `except`: only now is the memory free again that the failed computation held.
    return frame({"spent": reason})


def _send(outbox: BinaryIO, message: Any) -> None:
    outbox.write(frame(message))
    outbox.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
