"""Engine processes as they report themselves."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time


class ServiceRow(Base):
    """One engine process; retired ones are kept until they are purged."""

    __tablename__ = "service"
    __table_args__ = MYSQL

    engine_id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[Name]
    hostname: Mapped[Name]
    binary: Mapped[Name]
    topic: Mapped[Name]
    report_interval: Mapped[int] = mapped_column(comment="seconds")
    listener_address: Mapped[LongText] = mapped_column(comment="where its EngineListener answers; empty: it has none")
    created_time: Mapped[Time]
    updated_time: Mapped[Time | None] = mapped_column(comment="database time of the last report")
    deleted_time: Mapped[Time | None]
