"""Calls that are made twice and must take effect once (AIP-155): the same `request_id` gets the first answer.

The answer is remembered in the transaction that does what was asked, so it is there if and only if that was done. Every
use case that changes something looks like this:

    once = Once.of(caller, "DeleteStack", identity, request_id)
    once.answer(self.db, lambda: self.traversals.begin(once.kept(store)))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeVar

from engine.model.errors import Code, EngineError
from engine.model.records import Caller, Json
from engine.store import requests
from engine.store.database import Database, Tx

T = TypeVar("T")

_LONGEST_ID: Final = 255


class Answered(Exception):
    """The very same request was answered before; nothing must be done again."""

    def __init__(self, answer: Json) -> None:
        super().__init__("answered before")
        self.answer = answer


def _nothing(_: object) -> None:
    """Answer nothing, as most calls do."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request that may come more than once."""

    project: str
    request_id: str  # "": the caller does not repeat itself
    body_hash: str  # over the method, too: two calls that are given the same are not the same request

    @classmethod
    def of(cls, caller: Caller, method: str, body: object, request_id: str) -> Once:
        """Return a call of a method; `body` is all that it was given: a command, an identity, a tuple of such.

        Raise INVALID_ARGUMENT for a `request_id` that can't be kept.
        """
        if not request_id:
            return cls(caller.project, "", "")
        if len(request_id) > _LONGEST_ID or "\x00" in request_id:
            text = (
                f"the request_id has {len(request_id)} characters; it is a text of at most {_LONGEST_ID} characters, "
                "none of them NUL, at best a UUID"
            )
            raise EngineError(Code.INVALID_ARGUMENT, text, field="request_id")
        text = json.dumps([method, _plain(body)], sort_keys=True)
        return cls(caller.project, request_id, hashlib.sha256(text.encode()).hexdigest())

    def answer(self, db: Database, work: Callable[[], Json]) -> Json:
        """Return what the request was answered before; else do the work and return its answer.

        Raise REQUEST_ID_REUSED if another request was answered under this id, or what the work raises.
        """
        try:
            self._look(db)
            try:
                return work()
            except EngineError:
                self._look(db)  # the same request, come at the same time, may be why this one was refused
                raise
        except Answered as repeated:
            return repeated.answer

    def kept(self, store: Callable[[Tx], T], answer: Callable[[T], Json] = _nothing) -> Callable[[Tx], T]:
        """Return `store` as it is to be done: not a second time, and with the answer that is to be remembered."""

        def transaction(tx: Tx) -> T:
            self.check(tx)
            stored = store(tx)
            if self.request_id:
                kept = answer(stored)
                requests.remember(tx, self.project, self.request_id, body_hash=self.body_hash, answer=kept)
            return stored

        return transaction

    def check(self, tx: Tx) -> None:
        """Raise Answered if the request was answered before, or REQUEST_ID_REUSED if another one was."""
        if not self.request_id:
            return
        known = requests.answer(tx, self.project, self.request_id, body_hash=self.body_hash)
        if known is None:
            return
        is_same, answer = known
        if not is_same:
            text = f'request_id "{self.request_id}" was used for another request; take a new one'
            raise EngineError(Code.REQUEST_ID_REUSED, text, request_id=self.request_id)
        raise Answered(answer)

    def _look(self, db: Database) -> None:
        if self.request_id:
            with db.read() as tx:
                self.check(tx)


def _plain(value: Any) -> Json:
    """Return a body as JSON that is the same for the same request: a map of a message comes in any order."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted(_plain(one) for one in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
