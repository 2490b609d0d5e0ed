"""Snapshots of stacks and of their resources."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time, Word
from engine.store.types import SEALED


class SnapshotRow(Base):
    """What a stack was like at one time."""

    __tablename__ = "snapshot"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id"), index=True)
    name: Mapped[Name | None]
    project: Mapped[Name] = mapped_column(index=True)
    action: Mapped[Word]
    status: Mapped[Word]
    reason: Mapped[LongText]
    data: Mapped[bytes | None] = mapped_column(
        SEALED, comment="sealed: the payload of rpc.md §2.8; NULL: not taken yet"
    )
    created_time: Mapped[Time]


class ResourceSnapshotRow(Base):
    """What a resource gave to a snapshot."""

    __tablename__ = "resource_snapshot"
    __table_args__ = MYSQL

    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True)
    resource_name: Mapped[Name] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(SEALED, comment="sealed")
