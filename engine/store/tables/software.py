"""Software configurations and their deployments to servers."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from engine.store.tables.declarative import MYSQL, Base, Id, LongText, Name, Time, Word
from engine.store.types import SEALED


class SoftwareConfigRow(Base):
    """A configuration; never changed."""

    __tablename__ = "software_config"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[Name]
    group: Mapped[Name]
    project: Mapped[Name] = mapped_column(index=True)
    config: Mapped[bytes] = mapped_column(
        SEALED, comment="sealed: config, inputs, outputs, options; inputs hold passwords"
    )
    created_time: Mapped[Time]


class SoftwareDeploymentRow(Base):
    """A configuration on its way to a server, and what the server said."""

    __tablename__ = "software_deployment"
    __table_args__ = MYSQL

    id: Mapped[Id] = mapped_column(primary_key=True)
    config_id: Mapped[str] = mapped_column(
        ForeignKey("software_config.id"), index=True, comment="a configuration that is deployed cannot be deleted"
    )
    server_id: Mapped[Name] = mapped_column(index=True, comment="physical id of the server")
    project: Mapped[Name] = mapped_column(index=True)
    user_project_id: Mapped[Name]
    action: Mapped[Word]
    status: Mapped[Word]
    reason: Mapped[LongText]
    values: Mapped[bytes] = mapped_column(SEALED, comment="sealed: input_values, output_values")
    created_time: Mapped[Time] = mapped_column(index=True)
    updated_time: Mapped[Time | None] = mapped_column(comment="NULL: never updated")
