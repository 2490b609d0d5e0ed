"""Stacks, their tags and their locks."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time, Word
from engine.store.types import JsonText

_LIVE_ROOT = text("owner_id IS NULL AND deleted_time IS NULL")


class StackRow(Base):
    """A stack: live, or deleted and kept for those who ask what became of it."""

    __tablename__ = "stack"

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[Name]
    live_name: Mapped[Name | None] = mapped_column(comment="the name while the stack lives, so that it can be unique")
    project: Mapped[Name]
    action: Mapped[Word]
    status: Mapped[Word] = mapped_column(index=True)
    reason: Mapped[LongText]
    definition_id: Mapped[str] = mapped_column(ForeignKey("definition.id"), index=True)
    complete_definition_id: Mapped[str | None] = mapped_column(
        ForeignKey("definition.id"), index=True, comment="the last one that reached COMPLETE: where a rollback goes"
    )
    traversal: Mapped[Id] = mapped_column(comment="the walk that may lead somewhere; empty: none was started")
    disable_rollback: Mapped[bool]
    timeout_mins: Mapped[int | None]
    tags: Mapped[list[str]] = mapped_column(JsonText, comment="in their order; stack_tag is the index over them")
    description: Mapped[LongText]
    username: Mapped[Name]
    user_project_id: Mapped[Name]
    owner_id: Mapped[Id | None] = mapped_column(comment="the stack that this one is nested in")
    parent_resource: Mapped[Name] = mapped_column(comment="name of the owner's resource that this stack stands for")
    root_id: Mapped[Id | None] = mapped_column(comment="the outermost owner; NULL: it is itself a root", index=True)
    nested_depth: Mapped[int]
    created_time: Mapped[Time]
    updated_time: Mapped[Time | None]
    deleted_time: Mapped[Time | None] = mapped_column(comment="soft deletion; NULL: it lives")
    event_count: Mapped[int] = mapped_column(BigInteger, comment="the sequence of its last event")
    manner: Mapped[dict[str, object] | None] = mapped_column(
        JsonText, comment="how the last operation goes about it: retain, observe, skip; NULL: as usual"
    )

    __table_args__ = (
        UniqueConstraint("project", "live_name"),
        Index("ix_stack_owner_id", "owner_id", "parent_resource"),
        Index("ix_stack_project", "project", "created_time", "id"),
        # What ListStacks shows unless asked for more; without it a page would step over every nested and deleted stack.
        Index(
            "ix_stack_roots",
            "project",
            "created_time",
            "id",
            postgresql_where=_LIVE_ROOT,
            sqlite_where=_LIVE_ROOT,
        ),
        MYSQL,
    )


class StackTagRow(Base):
    """A tag of a stack: an index for filters, written together with `stack.tags`."""

    __tablename__ = "stack_tag"
    __table_args__ = (Index("ix_stack_tag_tag", "tag", "stack_id"), MYSQL)

    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(80), primary_key=True)


class StackLockRow(Base):
    """The right to walk a stack; the row stays when the lock is free, so that the fence only ever rises."""

    __tablename__ = "stack_lock"
    __table_args__ = MYSQL

    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", ondelete="CASCADE"), primary_key=True)
    engine_id: Mapped[Id | None] = mapped_column(comment="who walks; NULL: nobody", index=True)
    fence: Mapped[int] = mapped_column(BigInteger, comment="goes up with every owner; every write of a walk carries it")
