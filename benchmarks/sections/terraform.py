"""The same stack by Terraform, where it is installed: as many `terraform_data` resources, each read by nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import client, declared, processes
from benchmarks.figures import Figure, Floor, Measured, Unit
from benchmarks.sizes import Sizes

_RESOURCE = 'resource "terraform_data" "r{0:05}" {{\n  input = "{1}"\n}}\n'


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield one row per operation, the engine beside Terraform; nothing where there is no Terraform.

    One round: it takes minutes, and it is compared by factors.
    """
    if shutil.which("terraform") is None:
        print("No terraform on PATH: its numbers in the table are quoted.")
        return
    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name:
        theirs = _theirs(Path(name), sizes.large)
        ours = _ours(Path(name), sizes.large)
    for operation, seconds in theirs.items():
        yield Figure(
            f"{operation} {sizes.large:,}, beside Terraform",
            Unit.SECONDS,
            Measured((ours[operation],)),
            Floor("terraform_data", Measured((seconds,)), Unit.SECONDS),
        )


def _theirs(folder: Path, count: int) -> dict[str, float]:
    _declare(folder, count)
    _terraform(folder, "init", "-input=false")
    created = _terraform(folder, "apply", "-input=false", "-auto-approve")
    _declare(folder, count, changed=1)
    updated = _terraform(folder, "apply", "-input=false", "-auto-approve")
    deleted = _terraform(folder, "destroy", "-input=false", "-auto-approve")
    return {"create": created, "update 1 of": updated, "delete": deleted}


def _ours(folder: Path, count: int) -> dict[str, float]:
    with processes.engine(folder / "engine.db") as engine, client.connected(engine.address) as caller:
        created = caller.create("same", declared.independent(count))
        updated = caller.update(created.identity, declared.independent(count, changed=1))
        deleted = caller.delete(created.identity)
    return {"create": created.seconds, "update 1 of": updated.seconds, "delete": deleted.seconds}


def _declare(folder: Path, count: int, *, changed: int = 0) -> None:
    resources = (_RESOURCE.format(i, "other" if i < changed else "one") for i in range(count))
    (folder / "main.tf").write_text("".join(resources), encoding="utf-8")


def _terraform(folder: Path, *arguments: str) -> float:
    """Return the seconds that the command took."""
    began = time.perf_counter()
    subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=folder,
        env={**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began
