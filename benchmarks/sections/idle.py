"""An engine that has nothing to do: how soon it answers, and what it holds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import client, processes
from benchmarks.figures import Figure, Floor, Goal, Measured, Unit
from benchmarks.sizes import Sizes

_SETTLE_S = 2.0


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield the rows about an idle engine. Both programs are started once before: the first start compiles them."""
    starts: dict[str, list[float]] = {"engine": [], "bare": []}
    memory: dict[str, list[float]] = {"engine": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name:
        folder = Path(name)
        (folder / "answers").mkdir()
        for number in range(1 + sizes.starts):
            began = time.perf_counter()
            with processes.bare_server(folder / "answers") as bare:
                starts["bare"].append(time.perf_counter() - began)
                memory["bare"].append(bare.resident_mb())
            began = time.perf_counter()
            with processes.engine(folder / f"engine-{number}.db") as engine:
                client.first_answer(engine.address)
                starts["engine"].append(time.perf_counter() - began)
                time.sleep(_SETTLE_S if number else 0)
                memory["engine"].append(engine.resident_mb())
    yield Figure(
        "start to first answer, new database",
        Unit.SECONDS,
        Measured(tuple(starts["engine"][1:])),
        Floor("bare server", Measured(tuple(starts["bare"][1:])), Unit.SECONDS),
        reach=Goal(2),
    )
    yield Figure(
        "memory of an idle engine",
        Unit.MEGABYTES,
        Measured(tuple(memory["engine"][1:])),
        Floor("bare server", Measured(tuple(memory["bare"][1:])), Unit.MEGABYTES),
        reach=Goal(120),
        note="resident set",
    )
