"""Requests that were answered: the same request_id gets the same answer (AIP-155).

Called by usecases inside the transaction that does what was asked, so that the answer is remembered if and only if it
is true. Of two that arrive together the unique key lets one through; the other is told to try again and then finds the
answer. An answer that is older than LIFETIME counts as none, whether it has been deleted or not.

Bodies hold passwords, and a bare hash would let whoever reads the table try out guesses: the hash is stored signed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, select

from engine.model.errors import Code, EngineError
from engine.model.records import Json
from engine.store.backends import insert_or_skip
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.requests import RequestRow

REQUEST: Final = table_of(RequestRow)

LIFETIME: Final = timedelta(hours=24)

_OF: Final = (REQUEST.c.project == bindparam("in_project"), REQUEST.c.request_id == bindparam("of"))
_ANSWER: Final = select(REQUEST.c.body_hash, REQUEST.c.sealed, REQUEST.c.created_time).where(*_OF)
_FORGET: Final = delete(REQUEST).where(REQUEST.c.created_time < bindparam("before"))
_FORGET_ONE: Final = _FORGET.where(*_OF)


def answer(tx: Tx, project: str, request_id: str, *, body_hash: str) -> tuple[bool, Json] | None:
    """Return whether the same body came with this id, and what was answered; None: the id is new."""
    row = tx.connection.execute(_ANSWER, {"in_project": project, "of": request_id}).one_or_none()
    if row is None or row[2] < tx.now() - LIFETIME:
        return None
    place = _place(project, request_id)
    is_same = tx.keys.is_signed(row[0], body_hash, place)
    return is_same, None if row[1] is None else tx.keys.unseal(row[1], place)


def remember(tx: Tx, project: str, request_id: str, *, body_hash: str, answer: Json) -> None:
    """Store an answer; raise CONCURRENT_TRANSACTION where the same id was answered meanwhile."""
    old = {"in_project": project, "of": request_id, "before": tx.now() - LIFETIME}
    tx.connection.execute(_FORGET_ONE, old)
    place = _place(project, request_id)
    values = {
        "project": project,
        "request_id": request_id,
        "body_hash": tx.keys.sign(body_hash, place),
        "sealed": None if answer is None else tx.keys.seal(answer, place),
        "created_time": tx.now(),
    }
    if not tx.connection.execute(insert_or_skip(REQUEST, tx.dialect), values).rowcount:
        message = f'request "{request_id}" is being answered by another call; ask again'
        raise EngineError(Code.CONCURRENT_TRANSACTION, message, request_id=request_id)


def forget(tx: Tx, before: datetime) -> int:
    """Delete the answers given before a time; return how many."""
    return tx.connection.execute(_FORGET, {"before": before}).rowcount


def _place(project: str, request_id: str) -> str:
    return f"request {project} {request_id}"
