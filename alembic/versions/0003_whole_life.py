"""How an operation goes about it, what a snapshot gives back, and answers that nobody may read.

Revision: 0003, after 0002. Code before it does not know the new columns, and neither reads nor writes them. Answers to
repeated requests are sealed from here on; those from before are forgotten, so that a request which is repeated over the
upgrade counts as a new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.store.types import SEALED, JsonText

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    manner = "how the last operation goes about it: retain, observe, skip; NULL: as usual"
    op.add_column("stack", sa.Column("manner", JsonText, nullable=True, comment=manner))
    restored = "sealed: what a snapshot kept of the resources, by name; NULL: it comes from no snapshot"
    op.add_column("definition", sa.Column("restored", SEALED, nullable=True, comment=restored))
    sealed = "sealed: what was answered; an abandon answers with secrets"
    op.execute("DELETE FROM request")
    op.add_column("request", sa.Column("sealed", SEALED, nullable=True, comment=sealed))


def downgrade() -> None:
    op.drop_column("request", "sealed")
    op.drop_column("definition", "restored")
    op.drop_column("stack", "manner")
