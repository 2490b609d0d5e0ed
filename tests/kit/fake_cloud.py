"""A small cloud with a memory, run as a process of its own: things are built, changed and deleted over HTTP.

Stories that kill the engine need a provider that lives on and remembers: every effect is a line of a ledger
that only grows, on the disk before anyone hears of it. So the cloud may be killed too, and starts again where
it was. It can be told to refuse, to be slow, and to do as asked but hang up before it answers. It knows
only the standard library, because it is run by its file name, which `fake_cloud_client` does. It
prints its address when it is ready.

    POST   /things            {kind, token, properties}  → the thing; the same token again: the same thing
    GET    /things?token=…    → the things that stand, all or those of one token
    GET    /things/ID  PATCH /things/ID {properties}  DELETE /things/ID
    GET    /ledger            → every entry
    POST   /faults            {operation, how, times, seconds}
    PUT    /settings          {idempotent}
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

Answer = tuple[HTTPStatus, Any]


class Operation(StrEnum):
    """What a cloud can be asked, and a fault can hit."""

    BUILD = "build"
    CHANGE = "change"
    DELETE = "delete"
    SHOW = "show"
    FIND = "find"


class How(StrEnum):
    """How an operation goes wrong."""

    REFUSE = "refuse"  # an error is answered and nothing happens
    DELAY = "delay"  # it happens later
    DROP = "drop"  # it happens, and the connection is closed without an answer


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call of an operation."""

    how: How
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One effect: a line of the ledger."""

    did: str  # built, changed or deleted
    id: str
    kind: str
    token: str
    properties: dict[str, Any]


class Ledger:
    """All effects in their order, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        path.touch()
        whole = path.read_bytes()
        written = whole[: whole.rfind(b"\n") + 1]  # a line that was cut short by a kill told of nothing
        self.entries += (Entry(**json.loads(line)) for line in written.splitlines())
        self._file = path.open("r+b")
        self._file.truncate(len(written))
        self._file.seek(len(written))

    def append(self, entry: Entry) -> None:
        """Write an entry; it is on the disk when this returns."""
        self._file.write(json.dumps(asdict(entry)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries.append(entry)


class Cloud:
    """The things that stand: what the ledger adds up to. One lock is around each operation."""

    def __init__(self, ledger: Ledger, *, idempotent: bool) -> None:
        self.ledger = ledger
        self.idempotent = idempotent
        self._lock = threading.Lock()
        self._busy: dict[str, int] = {}  # id → how many more times it is shown as WORKING
        self._standing: dict[str, Entry] = {}
        for entry in ledger.entries:
            self._apply(entry)

    def build(self, kind: str, token: str, properties: dict[str, Any]) -> Answer:
        with self._lock:
            known = next((thing for thing in self._standing.values() if thing.token == token), None)
            if known is not None and self.idempotent:
                return HTTPStatus.OK, self._described(known)
            return HTTPStatus.CREATED, self._did(Entry("built", str(uuid.uuid4()), kind, token, properties))

    def change(self, thing_id: str, properties: dict[str, Any]) -> Answer:
        with self._lock:
            known = self._standing.get(thing_id)
            if known is None:
                return HTTPStatus.NOT_FOUND, None
            merged = {**known.properties, **properties}
            return HTTPStatus.OK, self._did(replace(known, did="changed", properties=merged))

    def delete(self, thing_id: str) -> Answer:
        with self._lock:
            known = self._standing.get(thing_id)
            if known is None:
                return HTTPStatus.NOT_FOUND, None
            self._did(replace(known, did="deleted"))
            return HTTPStatus.OK, None

    def show(self, thing_id: str) -> Answer:
        """Answer with a thing; each call is one step of its work."""
        with self._lock:
            known = self._standing.get(thing_id)
            if known is None:
                return HTTPStatus.NOT_FOUND, None
            described = self._described(known)
            self._busy[thing_id] = max(0, self._busy[thing_id] - 1)
            return HTTPStatus.OK, described

    def find(self, token: str | None) -> Answer:
        with self._lock:
            things = [thing for thing in self._standing.values() if token in (None, thing.token)]
            return HTTPStatus.OK, [self._described(thing) for thing in things]

    def _did(self, entry: Entry) -> dict[str, Any]:
        self.ledger.append(entry)
        self._apply(entry)
        return self._described(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.did == "deleted":
            del self._standing[entry.id]
            return
        self._standing[entry.id] = entry
        self._busy[entry.id] = int(entry.properties.get("polls", 0))

    def _described(self, thing: Entry) -> dict[str, Any]:
        state = "WORKING" if self._busy[thing.id] else "READY"
        fields = {"id": thing.id, "kind": thing.kind, "token": thing.token, "properties": thing.properties}
        return {**fields, "state": state}


class Server(ThreadingHTTPServer):
    """The cloud at a port, with the faults that wait for their call."""

    daemon_threads = True
    request_queue_size = 128  # a thousand resources may knock at once

    def __init__(self, cloud: Cloud, port: int) -> None:
        self.cloud = cloud
        self.faults: dict[Operation, deque[Fault]] = defaultdict(deque)
        super().__init__(("127.0.0.1", port), Handler)

    def next_fault(self, operation: Operation) -> Fault | None:
        try:
            return self.faults[operation].popleft()
        except IndexError:
            return None


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    operations: ClassVar = {
        "POST": Operation.BUILD,
        "PATCH": Operation.CHANGE,
        "DELETE": Operation.DELETE,
        "GET": Operation.SHOW,
    }

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing: the ledger tells."""

    def _handle(self) -> None:
        url = urlsplit(self.path)
        room, _, thing_id = url.path.strip("/").partition("/")
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else {}
        if room != "things":
            self._answer(*self._manage(room, body))
            return
        operation = self.operations[self.command]
        if operation is Operation.SHOW and not thing_id:
            operation = Operation.FIND
        fault = self.server.next_fault(operation)
        if fault is not None and fault.how is How.REFUSE:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"told to refuse to {operation}"})
            return
        if fault is not None:
            time.sleep(fault.seconds)
        token = parse_qs(url.query).get("token", [None])[0]
        answer = self._operate(operation, thing_id or token, body)
        if fault is not None and fault.how is How.DROP:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(*answer)

    def _operate(self, operation: Operation, what: str | None, body: dict[str, Any]) -> Answer:
        """Answer; `what` is the id of a thing, or the token to find things by."""
        cloud = self.server.cloud
        match operation:
            case Operation.BUILD:
                return cloud.build(body["kind"], body["token"], body["properties"])
            case Operation.CHANGE:
                return cloud.change(what or "", body["properties"])
            case Operation.DELETE:
                return cloud.delete(what or "")
            case Operation.SHOW:
                return cloud.show(what or "")
            case Operation.FIND:
                return cloud.find(what)

    def _manage(self, room: str, body: dict[str, Any]) -> Answer:
        match self.command, room:
            case "GET", "ledger":
                return HTTPStatus.OK, [asdict(entry) for entry in self.server.cloud.ledger.entries]
            case "POST", "faults":
                fault = Fault(How(body["how"]), body["seconds"])
                self.server.faults[Operation(body["operation"])].extend([fault] * body["times"])
                return HTTPStatus.OK, None
            case "PUT", "settings":
                self.server.cloud.idempotent = body["idempotent"]
                return HTTPStatus.OK, None
            case _:
                return HTTPStatus.NOT_FOUND, None

    def _answer(self, status: HTTPStatus, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Serve until killed, or until whoever started this is gone: then its end of stdin is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idempotent", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    server = Server(Cloud(Ledger(options.ledger), idempotent=options.idempotent), options.port)
    sys.stdout.write(f"127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
