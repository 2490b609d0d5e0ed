"""Events: what happened, in the transaction in which it happened."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time, Word
from engine.store.types import COUNTER, SEALED


class EventRow(Base):
    """One transition. No foreign keys: events outlive resources, and a check per insert would be paid for nothing."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("stack_id", "sequence"),
        Index("ix_event_root_id", "root_id", "position"),
        # AUTOINCREMENT: a position is never used twice, even when the newest events were pruned.
        {"sqlite_autoincrement": True, **MYSQL},
    )

    position: Mapped[int] = mapped_column(
        COUNTER, primary_key=True, comment="order over all stacks; watchers resume here"
    )
    id: Mapped[Id] = mapped_column(unique=True)
    stack_id: Mapped[Id]
    sequence: Mapped[int] = mapped_column(BigInteger, comment="gap-free per stack, from 1")
    root_id: Mapped[Id] = mapped_column(comment="the outermost stack; the stack itself for a root")
    stack_name: Mapped[Name]
    project: Mapped[Name]
    time: Mapped[Time]
    resource_name: Mapped[Name]
    resource_type: Mapped[LongText]
    action: Mapped[Word]
    status: Mapped[Word]
    reason: Mapped[str] = mapped_column(String(255))
    physical_id: Mapped[LongText | None]
    resource_id: Mapped[Id | None]
    properties: Mapped[bytes | None] = mapped_column(SEALED, comment="sealed; NULL: it has none")
