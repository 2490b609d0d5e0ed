"""A whole engine behind its API, in this process; one for a module, because tests name their own stacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit import served as engines
from kit.served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with engines.engine(tmp_path_factory.mktemp("engine")) as (_, client):
        yield client
