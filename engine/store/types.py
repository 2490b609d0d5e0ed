"""Column types that every table shares: instants, JSON and long texts.

Called by the tables and by the modules that turn rows into records. Secrets are no column type: a type cannot reach the
keys without a global, and one sealed value per row costs a fifth of five; so the row functions seal (`crypto.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from engine.model.states import Action, Status

LONG_TEXT: Final = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
SEALED: Final = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
COUNTER: Final = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only what it calls INTEGER

# Looked up far more often than an enum likes to be called.
ACTIONS: Final[Mapping[str, Action]] = {action.value: action for action in Action}
STATUSES: Final[Mapping[str, Status]] = {status.value: status for status in Status}

_to_text = json.JSONEncoder(separators=(",", ":")).encode


class UtcTime(TypeDecorator[datetime]):
    """An instant to the microsecond. Aware on the way in and UTC on the way out; a naive datetime is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Return a type of the database that keeps microseconds."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant as the driver wants it; raise ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """JSON as text, compact, keys in the order given, whole numbers exact at any size; None is NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the longest text type of the database."""
        return dialect.type_descriptor(LONG_TEXT)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text."""
        if not value and isinstance(value, list | dict):  # most are empty, and the encoder takes its time to start
            return "[]" if isinstance(value, list) else "{}"
        return None if value is None else _to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value again."""
        if value == "[]":
            return []
        return None if value is None else json.loads(value)


def storable(text: str, limit: int | None = None) -> str:
    """Return text that every database takes: no NUL, no lone surrogate, at most `limit` characters.

    Reasons come from providers and exceptions; one odd character must not undo the state change that it explains.
    """
    if limit is not None:
        text = text[:limit]
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
