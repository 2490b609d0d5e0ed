"""Calls that are made twice and must take effect once (AIP-155): the same `request_id` gets the first answer.

The answer is remembered in the transaction that does what was asked, so it is there if and only if that was done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from engine.model.errors import Code, EngineError
from engine.model.records import Caller
from engine.store import requests
from engine.store.database import Tx


class Answered(Exception):
    """The very same request was answered before; nothing must be done again."""

    def __init__(self, answer: Any) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Once:
    """One request that may come more than once."""

    project: str
    request_id: str  # "": the caller does not repeat itself
    body_hash: str

    @classmethod
    def of(cls, caller: Caller, request_id: str, body: object) -> Once:
        """Return the request of a caller; `body` is the command, whose repr tells all that matters of it."""
        return cls(caller.project, request_id, hashlib.sha256(repr(body).encode()).hexdigest())

    def check(self, tx: Tx) -> None:
        """Raise Answered if the request was answered before, or REQUEST_ID_REUSED if another one was."""
        if not self.request_id:
            return
        known = requests.answer(tx, self.project, self.request_id)
        if known is None:
            return
        body_hash, answer = known
        if body_hash != self.body_hash:
            text = f'request_id "{self.request_id}" was used for another request; take a new one'
            raise EngineError(Code.REQUEST_ID_REUSED, text, request_id=self.request_id)
        raise Answered(answer)

    def remember(self, tx: Tx, answer: Any) -> None:
        """Remember the answer, as JSON."""
        if self.request_id:
            requests.remember(tx, self.project, self.request_id, body_hash=self.body_hash, answer=answer)
