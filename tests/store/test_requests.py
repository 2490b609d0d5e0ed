"""Requests that come again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.model.errors import Code, EngineError
from engine.store import requests
from engine.store.database import Database, retrying
from kit import databases


def test_an_answer_is_remembered_for_its_project(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer={"stack_id": "s"})

        assert requests.answer(tx, "p", "id", body_hash="hash") == (True, {"stack_id": "s"})
        assert requests.answer(tx, "q", "id", body_hash="hash") is None
        assert requests.answer(tx, "p", "another", body_hash="hash") is None


def test_another_body_is_told_from_the_same(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=1)

        assert requests.answer(tx, "p", "id", body_hash="other") == (False, 1)


def test_the_hash_of_a_body_is_nowhere_to_be_read(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "one", body_hash="hash", answer=1)
        requests.remember(tx, "p", "two", body_hash="hash", answer=1)
        one, two = tx.connection.execute(select(requests.REQUEST.c.body_hash)).scalars()

    assert "hash" not in (one, two)
    assert one != two, "whether two requests are the same is not to be read, either"


def test_the_same_body_is_known_again_when_another_key_has_become_the_first(url: str) -> None:
    with databases.opened(url) as database, database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=1)
    with (
        databases.opened(url, [b"a newer key that is for tests, too"[:32], databases.KEY]) as database,
        database.read() as tx,
    ):
        assert requests.answer(tx, "p", "id", body_hash="hash") == (True, 1)


def test_an_answer_may_be_nothing(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=None)

        assert requests.answer(tx, "p", "id", body_hash="hash") == (True, None)


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


def aged(database: Database, age: timedelta) -> None:
    """Remember an answer, and let it be so old."""
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=1)
        tx.connection.execute(requests.REQUEST.update().values(created_time=tx.now() - age))


def test_an_answer_that_has_lived_its_time_counts_as_none_and_makes_room_for_another(database: Database) -> None:
    aged(database, requests.LIFETIME)
    with database.write() as tx:
        before = requests.answer(tx, "p", "id", body_hash="hash")
        requests.remember(tx, "p", "id", body_hash="other", answer=2)

        assert before is None
        assert requests.answer(tx, "p", "id", body_hash="other") == (True, 2)


def test_a_younger_answer_makes_room_for_none(database: Database) -> None:
    aged(database, requests.LIFETIME - timedelta(minutes=1))
    with pytest.raises(EngineError) as refused, database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="other", answer=2)

    assert refused.value.code is Code.CONCURRENT_TRANSACTION
    with database.read() as tx:
        assert requests.answer(tx, "p", "id", body_hash="hash") == (True, 1)


def test_old_answers_are_forgotten(database: Database) -> None:
    with database.write() as tx:
        requests.remember(tx, "p", "id", body_hash="hash", answer=1)

        assert requests.forget(tx, tx.now()) == 0
        assert requests.forget(tx, tx.now() + timedelta(microseconds=1)) == 1
        assert requests.answer(tx, "p", "id", body_hash="hash") is None
