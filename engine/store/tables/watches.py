"""Alarm rules and what was measured for them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, Name, Time, Word
from engine.store.types import COUNTER, JsonText


class WatchRuleRow(Base):
    """A rule; its name is `<stack>-<resource>`."""

    __tablename__ = "watch_rule"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", ondelete="CASCADE"), index=True)
    name: Mapped[Name] = mapped_column(index=True)
    rule: Mapped[dict[str, object]] = mapped_column(JsonText, comment="statistic, threshold, period, actions, ...")
    state: Mapped[Word] = mapped_column(comment="NORMAL, ALARM, NODATA, SUSPENDED or CEILOMETER_CONTROLLED")
    evaluated_time: Mapped[Time]


class WatchDataRow(Base):
    """One datum."""

    __tablename__ = "watch_data"
    __table_args__ = (
        Index("ix_watch_data_watch_rule_id", "watch_rule_id", "created_time"),
        {"sqlite_autoincrement": True, **MYSQL},
    )

    position: Mapped[int] = mapped_column(COUNTER, primary_key=True)
    watch_rule_id: Mapped[str] = mapped_column(ForeignKey("watch_rule.id", ondelete="CASCADE"))
    data: Mapped[dict[str, object]] = mapped_column(JsonText)
    created_time: Mapped[Time]
