"""How migrations run: on the connection, and in the transaction, that `engine/store/migrate.py` hands over.

There is no alembic.ini. To draft a migration, change the tables, then

    python -c 'from engine.store import migrate; print(migrate.draft("what changes"))'

which compares the tables with what the migrations so far make of an empty SQLite file. Read it and edit it.
"""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from engine.store.tables.everything import METADATA


def render(kind: str, item: object, _autogenerate: object) -> str | Literal[False]:
    """Return our column types as the migrations write them."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"{type(item).__name__}()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_item=render,
    render_as_batch=True,  # SQLite changes a table by copying it
    transactional_ddl=connection.dialect.name in ("sqlite", "postgresql"),
)
with context.begin_transaction():
    context.run_migrations()
