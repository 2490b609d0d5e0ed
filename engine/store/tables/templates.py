"""Texts by their hash, and the definitions that are made of them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Time
from engine.store.types import SEALED


class ContentRow(Base):
    """A template body or a file, stored once however many definitions hold it."""

    __tablename__ = "content"
    __table_args__ = MYSQL

    hash: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the text, hexadecimal")
    text: Mapped[LongText]


class DefinitionRow(Base):
    """What a user declared at one time; never changed, swept when nothing refers to it."""

    __tablename__ = "definition"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    template_hash: Mapped[str] = mapped_column(ForeignKey("content.hash"), index=True)
    environment: Mapped[bytes] = mapped_column(SEALED, comment="sealed: holds parameters, and so passwords")
    created_time: Mapped[Time]
    facade: Mapped[bytes | None] = mapped_column(
        SEALED,
        comment="sealed: metadata and policies of the resource that the template stands for; NULL: it asks for none",
    )
    restored: Mapped[bytes | None] = mapped_column(
        SEALED, comment="sealed: what a snapshot kept of the resources, by name; NULL: it comes from no snapshot"
    )


class DefinitionFileRow(Base):
    """A file of a definition under its name."""

    __tablename__ = "definition_file"
    __table_args__ = MYSQL

    definition_id: Mapped[str] = mapped_column(ForeignKey("definition.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[LongText] = mapped_column(comment="a path or a URL: too long for an index")
    content_hash: Mapped[str] = mapped_column(ForeignKey("content.hash"), index=True)
