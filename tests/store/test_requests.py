"""Requests that come again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from engine.model.errors import Code, EngineError
from engine.store import requests
from engine.store.database import Database, retrying


def test_an_answer_is_remembered_for_its_project(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer={"stack_id": "s"})

        assert requests.answer(tx, "p", "id") == ("hash", {"stack_id": "s"})
        assert requests.answer(tx, "q", "id") is None
        assert requests.answer(tx, "p", "another") is None


def test_an_answer_may_be_nothing(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=None)

        assert requests.answer(tx, "p", "id") == ("hash", None)


def test_of_two_that_answer_together_one_is_told_to_ask_again(database: Database) -> None:
    def remember(number: int) -> Code | None:
        try:
            retrying(database, lambda tx: requests.remember(tx, "p", "id", body_hash="hash", answer=number))
        except EngineError as refused:
            return refused.code
        return None

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(remember, range(2)))

    assert sorted(answers, key=str) == [Code.CONCURRENT_TRANSACTION, None]


def test_old_answers_are_forgotten(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=1)

        assert requests.forget(tx, tx.now()) == 0
        assert requests.forget(tx, tx.now() + timedelta(microseconds=1)) == 1
        assert requests.answer(tx, "p", "id") is None
