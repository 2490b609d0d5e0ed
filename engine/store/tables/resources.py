"""Resources: one row per built thing; a replacement is another row with the same name."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time, Word
from engine.store.types import SEALED, JsonText


class ResourceRow(Base):
    """One built thing, or one that is being built. Nothing else is stored about a walk: no sync points, no edges."""

    __tablename__ = "resource"
    __table_args__ = (Index("ix_resource_stack_id", "stack_id", "name"), MYSQL)

    id: Mapped[Id] = mapped_column(primary_key=True)
    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", ondelete="CASCADE"))
    name: Mapped[Name]
    type: Mapped[LongText] = mapped_column(comment="as the template says; may be a URL")
    implementation: Mapped[LongText] = mapped_column(comment="the registered type, or the template that builds it")
    action: Mapped[Word]
    status: Mapped[Word]
    reason: Mapped[LongText]
    created_time: Mapped[Time]
    updated_time: Mapped[Time | None]
    physical_id: Mapped[str | None] = mapped_column(
        String(767), index=True, comment="the provider's name for it; as long as an index of MariaDB allows"
    )
    requires: Mapped[list[str]] = mapped_column(JsonText, comment="ids of the rows that it was built against")
    meta: Mapped[dict[str, object]] = mapped_column("metadata", JsonText)
    deletion_policy: Mapped[Word]
    nested_stack_id: Mapped[Id | None]
    definition_id: Mapped[str | None] = mapped_column(
        ForeignKey("definition.id"), index=True, comment="the definition that it was last converged to"
    )
    fingerprint: Mapped[str] = mapped_column(
        String(128), comment="hash over what else it was built from: a nested template, its files and environment"
    )
    secret: Mapped[bytes] = mapped_column(
        SEALED, comment="sealed, one value for all: properties, pending, data, attributes, reference"
    )
    version: Mapped[int] = mapped_column(BigInteger, comment="goes up with every write: compare-and-set")
