"""The load: callers that each have a connection, call, wait for the answer, and call again.

Run in a process of its own, the same for the engine and for the floor. What a reader could not guess: it
speaks HTTP/2 by hand (`http2`), on one thread: with a gRPC client it would be the client that is measured, and
a slow server would look nearly as fast as a quick one. Requests are made beforehand, answers are only counted.

    python -m benchmarks.callers < LOAD     a Load as JSON in, a Result as JSON out
"""

from __future__ import annotations

import base64
import itertools
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks import http2
from benchmarks.figures import percentile
from benchmarks.processes import ROOT

WARM_UP_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What to call, and how much."""

    address: str
    path: str  # /package.Service/Method
    requests: Sequence[bytes]  # serialized messages, called one after the other, over and over
    callers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; milliseconds are from the request's first byte out to the answer's last byte in."""

    calls_per_second: float
    p50_ms: float
    p99_ms: float


def run(load: Load) -> Result:
    """Put the load on, from another process, and return what came of it."""
    text = json.dumps(
        {
            "address": load.address,
            "path": load.path,
            "requests": [base64.b64encode(request).decode() for request in load.requests],
            "callers": load.callers,
            "seconds": load.seconds,
        }
    )
    command = [sys.executable, "-m", "benchmarks.callers"]
    done = subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout))


@dataclass(slots=True, eq=False)
class _Caller:
    """One connection, with one call on it at a time."""

    socket: socket.socket
    headers: bytes
    stream: int = -1
    began: float = 0.0
    answered: bool = False
    buffer: bytearray = field(default_factory=bytearray)

    def call(self, message: bytes) -> None:
        self.stream += 2
        self.answered = False
        asked = http2.call(self.stream, self.headers, message)
        self.began = time.perf_counter()
        self.socket.sendall(asked)

    def is_done(self) -> bool:
        """Take in what has come; return whether the answer is complete."""
        received = self.socket.recv(65536)
        if not received:
            raise http2.CallFailed("the server closed the connection")
        buffer = self.buffer
        buffer += received
        done = False
        at = 0
        while len(buffer) - at >= 9:
            high, low, kind, flags, _ = http2.HEADER.unpack_from(buffer, at)
            end = at + 9 + (high << 8 | low)
            if len(buffer) < end:
                break
            done = self._take(kind, flags, bytes(buffer[at + 9 : end]) if kind != http2.DATA else b"") or done
            at = end
        del buffer[:at]
        return done

    def _take(self, kind: int, flags: int, payload: bytes) -> bool:
        if kind == http2.DATA:
            self.answered = True
        elif kind == http2.HEADERS and flags & http2.END_STREAM:
            # An error has no message before its trailers: the only thing that tells without reading them.
            if not self.answered:
                raise http2.CallFailed(f"the server answered with an error: {payload!r}")
            return True
        elif due := http2.reply(kind, flags, payload):
            self.socket.sendall(due)
        return False


def _put_on(load: Load) -> Result:
    messages = itertools.cycle(load.requests)
    callers = [_connected(load) for _ in range(load.callers)]
    began, ended, taken = _rounds(callers, messages, load.seconds)
    for caller in callers:
        caller.socket.close()
    milliseconds = [seconds * 1000 for seconds in taken]
    return Result(len(taken) / (ended - began), percentile(milliseconds, 50), percentile(milliseconds, 99))


def _rounds(callers: Sequence[_Caller], messages: Iterator[bytes], seconds: float) -> tuple[float, float, list[float]]:
    """Call until the time is over; return its begin, its end, and what each call took in between."""
    selector = selectors.DefaultSelector()
    for caller in callers:
        selector.register(caller.socket, selectors.EVENT_READ, caller)
        caller.call(next(messages))
    taken: list[float] = []
    began = time.perf_counter() + WARM_UP_S
    while (now := time.perf_counter()) < began + seconds:
        for key, _ in selector.select():
            caller = key.data
            if not caller.is_done():
                continue
            now = time.perf_counter()
            if caller.began >= began:
                taken.append(now - caller.began)
            caller.call(next(messages))
    selector.close()
    return began, now, taken


def _connected(load: Load) -> _Caller:
    return _Caller(http2.connected(load.address), http2.headers(load.path, load.address))


def _main() -> None:
    given = json.load(sys.stdin)
    requests = [base64.b64decode(text) for text in given.pop("requests")]
    result = _put_on(Load(requests=requests, **given))
    json.dump({name: getattr(result, name) for name in Result.__slots__}, sys.stdout)


if __name__ == "__main__":
    _main()
