"""Results on standard output: tables for people, JSON or YAML for programs.

On a terminal a table is drawn; into a pipe go plain columns, nothing wrapped or cut off, for grep and awk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import click
import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_TIMES: Final = ("_time", "_at")
_ENDLESS: Final = 100_000  # columns; no line of ours is longer


class Format(StrEnum):
    """How to print a result."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def show_list(form: Format, items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print items one a line; programs get all their keys, people the columns."""
    if form is Format.TABLE:
        _draw(columns, ([_cell_of(column, item[column]) for column in columns] for item in items))
    else:
        dump(form, items)


def show_one(form: Format, item: Mapping[str, Any], keys: Sequence[str] = ()) -> None:
    """Print one thing, a key a line; people get the keys that are named, or all."""
    if form is Format.TABLE:
        _draw(("field", "value"), ([key, _cell_of(key, item[key])] for key in keys or item))
    else:
        dump(form, item)


def dump(form: Format, value: object) -> None:
    """Print data for programs."""
    if form is Format.YAML:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)
    else:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def dump_next(form: Format, value: object) -> None:
    """Print one of a row of data that may not end: as a line of JSON, or as a document of YAML."""
    if form is Format.YAML:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, explicit_start=True), nl=False)
    else:
        click.echo(json.dumps(value, ensure_ascii=False))


def cell(value: object) -> str:
    """Return a value as it stands in a cell: texts as they are, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def console() -> Console:
    """Return standard output to draw on: as wide as the terminal, or without an end."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(width=_ENDLESS, highlight=False)


def _cell_of(name: str, value: object) -> str:
    """Return a cell, of a time without its fraction of a second."""
    text = cell(value)
    return text.partition(".")[0].removesuffix("Z") + "Z" if text and name.endswith(_TIMES) else text


def _draw(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    screen = console()
    table = Table(box=SIMPLE_HEAD if screen.is_terminal else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column if screen.is_terminal else column.upper(), overflow="fold")
    for row in rows:
        # Text, not str: a "[" in a value is no markup.
        table.add_row(*(Text(_one_line(value, screen), style=_style(value)) for value in row))
    screen.print(table)


def _one_line(value: str, screen: Console) -> str:
    return value if screen.is_terminal else " ".join(value.split("\n"))


def _style(value: str) -> str:
    if value.endswith("_FAILED"):
        return "red"
    if value.endswith("_COMPLETE"):
        return "green"
    return "yellow" if value.endswith("_IN_PROGRESS") else ""
