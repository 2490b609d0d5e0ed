"""How tests and test-only types reach the fake cloud: `FakeCloud` runs the process, `Things` speaks to one.

Stories ask the ledger afterwards: what was built twice (`doubles`), and what was left behind (`leaks`).
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from kit.fake_cloud import Entry, How, Operation

SERVER = Path(__file__).with_name("fake_cloud.py")
TIMEOUT = 30  # seconds that a call may take


class CloudError(Exception):
    """The cloud refused, or hung up: whether it did as asked is not known then."""


class Gone(CloudError):
    """There is no such thing."""


def call(address: str, method: str, path: str, *, body: Any = None) -> Any:
    """Return the answer of one request, each on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise CloudError(f"the cloud hung up: {type(error).__name__}") from error
    finally:
        connection.close()
    if response.status == http.client.NOT_FOUND:
        raise Gone(f"{path} is not there")
    if response.status >= http.client.BAD_REQUEST:
        raise CloudError(answer["error"])
    return answer


class Things:
    """The things of a cloud, as a plugin sees them."""

    def __init__(self, address: str) -> None:
        self._address = address

    def build(self, kind: str, token: str, *, properties: dict[str, Any]) -> dict[str, Any]:
        """Return a new thing; from an idempotent cloud the same one when a token comes again."""
        body = {"kind": kind, "token": token, "properties": properties}
        return dict(call(self._address, "POST", "/things", body=body))

    def change(self, thing_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Return the thing with these properties changed."""
        return dict(call(self._address, "PATCH", f"/things/{thing_id}", body={"properties": properties}))

    def delete(self, thing_id: str) -> None:
        """Take the thing away."""
        call(self._address, "DELETE", f"/things/{thing_id}")

    def show(self, thing_id: str) -> dict[str, Any]:
        """Return the thing."""
        return dict(call(self._address, "GET", f"/things/{thing_id}"))

    def find(self, token: str) -> list[dict[str, Any]]:
        """Return the things that stand and were built with a token."""
        return list(call(self._address, "GET", f"/things?token={quote(token)}"))


class FakeCloud:
    """A cloud process on one ledger. Use it in a `with`."""

    def __init__(self, ledger: Path, *, idempotent: bool = True) -> None:
        self._ledger = ledger
        self._idempotent = idempotent
        self._process: subprocess.Popen[str] | None = None
        self.address = ""  # host:port; stays the same when the cloud is killed and started again

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def things(self) -> Things:
        """Return the door that plugins use."""
        return Things(self.address)

    def start(self) -> None:
        """Start the process and wait until it answers; after a kill, at the address that it had."""
        port = self.address.rpartition(":")[2] or "0"
        idempotent = "--idempotent" if self._idempotent else "--no-idempotent"
        command = [sys.executable, str(SERVER), "--ledger", str(self._ledger), "--port", port, idempotent]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        self._process, self.address = process, process.stdout.readline().strip()
        assert self.address, "the fake cloud did not start"

    def kill(self) -> None:
        """Kill the process, as a machine dies: nothing is said, nothing is tidied."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def fail_next(self, operation: Operation, how: How = How.REFUSE, *, times: int = 1, seconds: float = 0) -> None:
        """Let the next calls of an operation go wrong; what is told first happens first."""
        body = {"operation": operation, "how": how, "times": times, "seconds": seconds}
        call(self.address, "POST", "/faults", body=body)

    def forget_tokens(self) -> None:
        """From now on build a second thing when a token comes again."""
        self._idempotent = False
        call(self.address, "PUT", "/settings", body={"idempotent": False})

    def ledger(self) -> list[Entry]:
        """Return every effect so far."""
        return [Entry(**entry) for entry in call(self.address, "GET", "/ledger")]

    def built(self, token: str) -> int:
        """Return how many things were ever built with a token."""
        return self._times_built()[token]

    def doubles(self) -> dict[str, int]:
        """Return the tokens with which more than one thing was built, and how many."""
        return {token: times for token, times in self._times_built().items() if times > 1}

    def standing(self) -> dict[str, Entry]:
        """Return the things that were built and not deleted, by id, as they are now."""
        things: dict[str, Entry] = {}
        for entry in self.ledger():
            if entry.did == "deleted":
                del things[entry.id]
            else:
                things[entry.id] = entry
        return things

    def leaks(self, known: Collection[str]) -> set[str]:
        """Return the ids of things that stand although nobody knows of them."""
        return self.standing().keys() - set(known)

    def _times_built(self) -> Counter[str]:
        return Counter(entry.token for entry in self.ledger() if entry.did == "built")
