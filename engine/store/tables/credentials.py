"""Credentials that were stored so that a stack can be walked when nobody is there to lend his own."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time
from engine.store.types import SEALED


class UserCredsRow(Base):
    """The credentials of a root stack; the stacks nested in it use the same (engine.md §16)."""

    __tablename__ = "user_creds"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    root_id: Mapped[str] = mapped_column(ForeignKey("stack.id", ondelete="CASCADE"), unique=True)
    username: Mapped[Name]
    project: Mapped[Name]
    project_name: Mapped[LongText]
    region_name: Mapped[Name]
    auth_url: Mapped[LongText]
    trustor_user_id: Mapped[Name]
    secret: Mapped[bytes] = mapped_column(SEALED, comment="sealed: password, trust_id")
    created_time: Mapped[Time]
