"""Column types: what goes in comes out, on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import literal, select

from engine.store import stacks
from engine.store.database import Database
from engine.store.types import JsonText, UtcTime, storable
from kit import stored

CET = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(datetime(2024, 2, 29, 12, 0, 0, 123457, UTC), id="microseconds"),
        pytest.param(datetime(2024, 2, 29, 12, 0, 0, 0, UTC), id="none"),
        pytest.param(datetime(2024, 3, 31, 2, 30, tzinfo=CET), id="another zone"),
    ],
)
def test_an_instant_comes_back_in_utc(database: Database, time: datetime) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, created_time=time)
    with database.read() as tx:
        found = stacks.get(tx, stack.id)

    assert found is not None
    assert found.created_time == time
    assert found.created_time.tzinfo is UTC


def test_a_naive_time_is_refused() -> None:
    bind = UtcTime().process_bind_param

    with pytest.raises(ValueError, match="no time zone"):
        bind(datetime(2024, 2, 29), None)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize("value", [[], {}, [[]], {"a": []}, "", 0, 2**80, -1.5, "\x00\ud800é", [None], False])
def test_json_comes_back_the_same(database: Database, value: object) -> None:
    with database.read() as tx:
        found = tx.connection.execute(select(literal(value, JsonText()))).scalar_one()

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("plain", "plain", id="plain text as it is"),
        pytest.param("déjà vu", "déjà vu", id="other letters as they are"),
        pytest.param("a\x00b", "a\N{REPLACEMENT CHARACTER}b", id="no NUL"),
        pytest.param("a\ud800b", "a?b", id="no lone surrogate"),
    ],
)
def test_a_reason_is_made_storable(text: str, kept: str) -> None:
    assert storable(text) == kept


def test_a_reason_is_cut() -> None:
    assert storable("é" * 300, 255) == "é" * 255
