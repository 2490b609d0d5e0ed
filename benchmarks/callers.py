"""The load: callers that each have a connection, call, wait for the answer, and call again.

Run in a process of its own, the same for the engine and for the floor. What a reader could not guess: it
speaks HTTP/2 by hand, on one thread. A gRPC client in Python needs as much processor time for a call as the
server does; on a small machine it would then be the client that is measured, and a slow server would look
nearly as fast as a quick one. Requests are made beforehand, answers are only counted.

    python -m benchmarks.callers < LOAD     a Load as JSON in, a Result as JSON out
"""

from __future__ import annotations

import base64
import itertools
import json
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.figures import percentile
from benchmarks.processes import ROOT

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
_WINDOW_UPDATE = 0x8
_END_STREAM, _END_HEADERS, _ACK = 0x1, 0x4, 0x1
_FRAME = struct.Struct(">HBBBI")  # length in 16 + 8 bits, type, flags, stream
_LARGEST_WINDOW = 2**31 - 1
_FIRST_WINDOW = 2**16 - 1
WARM_UP_S = 0.5


class CallFailed(Exception):
    """An answer that was none: the server refused, or went away."""


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
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        self.began = time.perf_counter()
        self.socket.sendall(
            _frame(_HEADERS, _END_HEADERS, self.stream, self.headers) + _frame(_DATA, _END_STREAM, self.stream, body)
        )

    def is_done(self) -> bool:
        """Take in what has come; return whether the answer is complete."""
        received = self.socket.recv(65536)
        if not received:
            raise CallFailed("the server closed the connection")
        buffer = self.buffer
        buffer += received
        done = False
        at = 0
        while len(buffer) - at >= 9:
            high, low, kind, flags, _ = _FRAME.unpack_from(buffer, at)
            end = at + 9 + (high << 8 | low)
            if len(buffer) < end:
                break
            done = self._take(kind, flags, bytes(buffer[at + 9 : end]) if kind != _DATA else b"") or done
            at = end
        del buffer[:at]
        return done

    def _take(self, kind: int, flags: int, payload: bytes) -> bool:
        if kind == _DATA:
            self.answered = True
        elif kind == _HEADERS and flags & _END_STREAM:
            # An error has no message before its trailers: the only thing that tells without reading them.
            if not self.answered:
                raise CallFailed(f"the server answered with an error: {payload!r}")
            return True
        elif kind == _SETTINGS and not flags & _ACK:
            self.socket.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            self.socket.sendall(_frame(_PING, _ACK, 0, payload))
        elif kind in {_RESET, _GO_AWAY}:
            raise CallFailed(f"the server ended the connection: {payload!r}")
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
    host, _, port = load.address.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The largest windows there are: then nothing has to be said about flow control ever after.
    window = struct.pack(">HI", 0x4, _LARGEST_WINDOW)
    more = struct.pack(">I", _LARGEST_WINDOW - _FIRST_WINDOW)
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, window) + _frame(_WINDOW_UPDATE, 0, 0, more)
    )
    return _Caller(connection, _header_block(load))


def _header_block(load: Load) -> bytes:
    """Return the headers of a call, literally: nothing indexed, so that all connections and calls have the same."""
    return b"".join(
        [
            b"\x83\x86",  # :method POST, :scheme http
            b"\x04" + _text(load.path),  # :path
            b"\x01" + _text(load.address),  # :authority
            b"\x0f\x10" + _text("application/grpc"),  # content-type
            b"\x00" + _text("te") + _text("trailers"),
        ]
    )


def _text(value: str) -> bytes:
    raw = value.encode()
    if len(raw) > 126:
        raise ValueError(f"{value}: too long for the length that is written here")
    return bytes([len(raw)]) + raw


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    length = len(payload)
    return _FRAME.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def _main() -> None:
    given = json.load(sys.stdin)
    requests = [base64.b64decode(text) for text in given.pop("requests")]
    result = _put_on(Load(requests=requests, **given))
    json.dump({name: getattr(result, name) for name in Result.__slots__}, sys.stdout)


if __name__ == "__main__":
    _main()
