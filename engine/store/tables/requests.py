"""Requests that were answered, so that a repeated one gets the same answer."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Name, Time
from engine.store.types import SEALED, JsonText


class RequestRow(Base):
    """One request_id of a project and what it was answered."""

    __tablename__ = "request"
    __table_args__ = MYSQL

    project: Mapped[Name] = mapped_column(primary_key=True)
    request_id: Mapped[Name] = mapped_column(primary_key=True)
    body_hash: Mapped[str] = mapped_column(
        String(64), comment="the same id with another body is a mistake, not a retry"
    )
    answer: Mapped[object | None] = mapped_column(JsonText)  # of the version before: not written any more
    created_time: Mapped[Time] = mapped_column(index=True)
    sealed: Mapped[bytes | None] = mapped_column(
        SEALED, comment="sealed: what was answered; an abandon answers with secrets"
    )
