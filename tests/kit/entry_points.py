"""A distribution with entry points, as pip would have installed it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

_NAME = "isotherm_test_plugins"


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, group: str, names: Mapping[str, str], **modules: str
) -> None:
    """Make modules importable, from their texts, with entry points of a group: name → what it names."""
    info = folder / f"{_NAME}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: 1\n")
    lines = [f"{name} = {value}\n" for name, value in names.items()]
    (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
