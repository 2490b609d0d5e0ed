"""All tables at once: for the migrations, and for the test that compares the two.

A module that is not imported here has no table in the database.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

from engine.store.tables import (
    credentials,
    events,
    requests,
    resources,
    services,
    snapshots,
    software,
    stacks,
    templates,
    watches,
)
from engine.store.tables.declarative import Base

MODULES: Final = (
    credentials,
    events,
    requests,
    resources,
    services,
    snapshots,
    software,
    stacks,
    templates,
    watches,
)
METADATA: Final[MetaData] = Base.metadata
