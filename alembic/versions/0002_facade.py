"""What a nested template is told of the resource that it stands for.

Revision: 0002, after 0001. Code before it does not know the column, and neither reads nor writes it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.store.types import SEALED

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    comment = "sealed: metadata and policies of the resource that the template stands for; NULL: it asks for none"
    op.add_column("definition", sa.Column("facade", SEALED, nullable=True, comment=comment))


def downgrade() -> None:
    op.drop_column("definition", "facade")
