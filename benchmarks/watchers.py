"""Watchers: streams of WatchEvents, each on a connection of its own, that take what comes and count it.

Run in a process of its own, as `callers` is and for the same reason: it shares no interpreter with whoever is measured
meanwhile. Requests are made beforehand, of an event only its length is read.

    python -m benchmarks.watchers     a Watch as JSON in, one line; "standing" out when all streams stand; then, when
                                      the input ends, how many events have come
"""

from __future__ import annotations

import base64
import json
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import http2
from benchmarks.processes import ROOT

PATH = "/isotherm.v1.EngineService/WatchEvents"
_PREFIX = 5  # bytes before each message: whether it is compressed, and its length


@dataclass(slots=True)
class Watching:
    """Watchers that stand."""

    events: int = 0  # that they got together; known once they have left


@contextmanager
def watching(address: str, requests: Sequence[bytes], count: int) -> Iterator[Watching]:
    """Yield as soon as so many streams stand; the requests are used in turn."""
    given = {
        "address": address,
        "requests": [base64.b64encode(request).decode() for request in requests],
        "count": count,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.watchers"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "standing":
            raise http2.CallFailed(f"{count} watchers did not get that far")
        watching = Watching()
        try:
            yield watching
        finally:
            process.stdin.close()
            watching.events = int(process.stdout.readline() or 0)  # nothing is said by one that broke


@dataclass(slots=True, eq=False)
class _Watcher:
    """One stream. It is read as it comes: `buffer` holds what is not a whole frame yet, `message` no whole event."""

    socket: socket.socket
    stands: bool = False
    events: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    message: bytearray = field(default_factory=bytearray)

    def read(self) -> None:
        """Take in what has come."""
        received = self.socket.recv(65536)
        if not received:
            raise http2.CallFailed("the server closed the connection of a watcher")
        self.buffer += received
        while len(self.buffer) >= http2.HEADER.size:
            high, low, kind, flags, _ = http2.HEADER.unpack_from(self.buffer)
            end = http2.HEADER.size + (high << 8 | low)
            if len(self.buffer) < end:
                return
            payload = bytes(self.buffer[http2.HEADER.size : end])
            del self.buffer[:end]
            self._take(kind, flags, payload)

    def _take(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == http2.DATA:
            self._count(payload)
        elif kind == http2.HEADERS and flags & http2.END_STREAM:
            raise http2.CallFailed(f"the server ended a watch: {payload!r}")
        elif kind == http2.HEADERS:
            self.stands = True
        elif due := http2.reply(kind, flags, payload):
            self.socket.sendall(due)

    def _count(self, payload: bytes) -> None:
        self.message += payload
        while len(self.message) >= _PREFIX:
            end = _PREFIX + int.from_bytes(self.message[1:_PREFIX], "big")
            if len(self.message) < end:
                return
            del self.message[:end]
            self.events += 1


def _watch(address: str, requests: Sequence[bytes], count: int) -> int:
    """Watch until the input ends; return how many events have come."""
    headers = http2.headers(PATH, address)
    selector = selectors.DefaultSelector()
    watchers = [_Watcher(http2.connected(address)) for _ in range(count)]
    for number, watcher in enumerate(watchers):
        watcher.socket.sendall(http2.call(1, headers, requests[number % len(requests)]))
        selector.register(watcher.socket, selectors.EVENT_READ, watcher)
    while not all(watcher.stands for watcher in watchers):
        for key, _ in selector.select():
            key.data.read()
    print("standing", flush=True)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return sum(watcher.events for watcher in watchers)
            key.data.read()


def _main() -> None:
    given = json.loads(sys.stdin.readline())
    requests = [base64.b64decode(text) for text in given.pop("requests")]
    print(_watch(requests=requests, **given), flush=True)


if __name__ == "__main__":
    _main()
