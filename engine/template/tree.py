"""Builds the data of a YAML text from libyaml's events, with a line for every key and item, within a budget.

Called by `source` only. Nothing recurses. A key given twice counts as given last, `<<` merges (templates.md §2.2).
The budget counts every value as it comes, with all that an alias stands for, and what merges copy: so the work and the
memory are bounded, whatever the text refers to how often.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import yaml
from yaml._yaml import CParser

from engine.template import scalars
from engine.template.scalars import MERGE, ScalarReader, shown

Lines = dict[int, Any]  # by the id of a container: of a map key → line, of a list the lines of its items

MAX_TAG_DIRECTIVES: Final = 100
_LARGEST_KEY: Final = 10**18  # of keys that are numbers: below the modulus of hash(), so that none are made to collide
_TAG_DIRECTIVE: Final = re.compile("(?:^|[\n\r\u0085\u2028\u2029])%TAG")
_NO_KEY: Final = object()  # the key of a map that has come to a key
_ITEMS: Final = object()  # the key of a list
_TAGS: Final = frozenset(("int", "float", "bool", "null"))  # that change what a scalar means


class TreeError(Exception):
    """The text is YAML, but asks for something that can't be had."""

    def __init__(self, summary: str, line: int | None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.line = line


def build(text: str, max_depth: int, max_nodes: int, *, scalar: ScalarReader) -> tuple[Any, Lines]:
    """Return the data (None: nothing there) and the lines of keys and items, by the id of their container."""
    _check_directives(text)
    builder = _Builder(max_depth, max_nodes, scalar)
    take = builder.takers()
    for event in iter(CParser(text).get_event, None):
        take[type(event)](event)
    return builder.root, builder.lines


def excess(data: Any, max_depth: int, max_nodes: int) -> str | None:
    """Return what is too much about data that did not come through `build`; None: nothing."""
    level = [data]
    nodes = 0
    for _ in range(max_depth + 1):
        nodes += len(level)
        if nodes > max_nodes:
            return _too_many(max_nodes)
        level = list(islice(_children(level), max_nodes + 1))
        if not level:
            return None
    return _too_deep(max_depth)


def _children(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, list | tuple):
            yield from value


def kind_of(value: Any) -> str:
    """Return what a value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case dict():
            return "a map"
        case _:
            return "a list"


def _check_directives(text: str) -> None:
    """Refuse a text of directives: libyaml compares each with all before it, and nothing here needs any."""
    if text.count("%TAG") > MAX_TAG_DIRECTIVES:  # many more than anyone writes, wherever they stand
        found = list(islice(_TAG_DIRECTIVE.finditer(text), MAX_TAG_DIRECTIVES + 1))
        if len(found) > MAX_TAG_DIRECTIVES:
            line = text.count("\n", 0, found[-1].end()) + 1
            raise TreeError(f"more than {MAX_TAG_DIRECTIVES} lines begin with %TAG", line)


def _too_deep(limit: int) -> str:
    return f"maps and lists stand more than {limit} deep inside each other"


def _too_many(limit: int) -> str:
    return f"the text holds more than {limit} values, aliases followed"


class _Open:
    """A map or list whose end has not come yet. It stands in its parent already."""

    __slots__ = ("anchor", "before", "height", "key", "lines", "merges", "value")

    def __init__(self, is_map: bool, anchor: str | None, before: int) -> None:
        self.anchor = anchor
        self.before = before  # values in the text before it
        self.height = 1  # levels in it, itself included, aliases followed
        self.value: Any = {} if is_map else []
        self.lines: Any = {} if is_map else []
        self.key: Any = _NO_KEY if is_map else _ITEMS
        self.merges: list[tuple[Any, int]] | None = None  # what is to be merged, each with its line


class _Builder:
    """Takes the events of one text in turn."""

    def __init__(self, max_depth: int, max_nodes: int, scalar: ScalarReader) -> None:
        self.lines: Lines = {}
        self._max_depth = max_depth
        self._max_nodes = max_nodes
        self._scalar = scalar
        self._plain: dict[str, Any] = {}  # plain scalars repeat a lot
        self._bottom = self._top = _Open(False, None, 0)  # a list that holds the root
        self._open = [self._bottom]
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # value, size, height
        self._documents = 0
        self._nodes = 0  # values so far, aliases followed
        self._merged = 0  # entries that were copied by merges so far

    @property
    def root(self) -> Any:
        return self._bottom.value[0] if self._bottom.value else None

    def takers(self) -> dict[type, Callable[[Any], None]]:
        """Return what takes an event, by its type."""
        return {
            yaml.ScalarEvent: self._scalar_comes,
            yaml.AliasEvent: self._alias_comes,
            yaml.MappingStartEvent: self._map_begins,
            yaml.SequenceStartEvent: self._list_begins,
            yaml.MappingEndEvent: self._innermost_ends,
            yaml.SequenceEndEvent: self._innermost_ends,
            yaml.DocumentStartEvent: self._document_begins,
            yaml.DocumentEndEvent: _nothing,
            yaml.StreamStartEvent: _nothing,
            yaml.StreamEndEvent: _nothing,
        }

    def _document_begins(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise TreeError("a second document begins; there may be one only", event.start_mark.line + 1)

    def _scalar_comes(self, event: Any) -> None:
        line = event.start_mark.line + 1
        value = event.value
        if event.implicit[0]:
            try:
                value = self._plain[value]
            except KeyError:
                value = self._plain_value(value, line)
        elif event.tag is not None:
            value = self._tagged_value(event.tag, value, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1, 0)
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise TreeError(_too_many(self._max_nodes), line)
        self._place(value, line)

    def _plain_value(self, text: str, line: int) -> Any:
        try:
            value = self._plain[text] = self._scalar(text)
        except ValueError as error:
            raise TreeError(str(error), line) from None
        return value

    def _tagged_value(self, tag: str, text: str, line: int) -> Any:
        short = tag.removeprefix(scalars.TAG_PREFIX)
        if short in ("str", "timestamp", "!"):
            return text
        if short not in _TAGS:
            raise TreeError(f"the tag {shown(tag)} is not supported", line)
        try:
            return scalars.of_tag(short, text)
        except (ValueError, KeyError):
            raise TreeError(f"{text[:40]!r} is not of its tag {shown(tag)}", line) from None

    def _map_begins(self, event: Any) -> None:
        self._begin(event, _Open(True, event.anchor, self._nodes), "map")

    def _list_begins(self, event: Any) -> None:
        self._begin(event, _Open(False, event.anchor, self._nodes), "seq")

    def _begin(self, event: Any, begun: _Open, kind: str) -> None:
        line = event.start_mark.line + 1
        if event.tag is not None and event.tag not in ("!", scalars.TAG_PREFIX + kind):
            raise TreeError(f"the tag {shown(event.tag)} is not supported", line)
        self._spend(1, line)
        self._place(begun.value, line)
        if len(self._open) > self._max_depth:
            raise TreeError(_too_deep(self._max_depth), line)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._open.append(begun)
        self._top = begun

    def _innermost_ends(self, event: Any) -> None:
        ended = self._open.pop()
        parent = self._top = self._open[-1]
        if ended.height >= parent.height:
            parent.height = ended.height + 1
        for merged, line in ended.merges or ():
            self._merge(ended, merged, line)
        if ended.lines:
            self.lines[id(ended.value)] = ended.lines
        else:  # another one, gone because its key came twice, may have had the same id
            self.lines.pop(id(ended.value), None)
        if ended.anchor is not None:
            self._anchors[ended.anchor] = (ended.value, self._nodes - ended.before, ended.height)

    def _alias_comes(self, event: Any) -> None:
        line = event.start_mark.line + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = any(one.anchor == event.anchor for one in self._open)
            reason = "stands inside what it refers to" if inside else "refers to no anchor before it"
            raise TreeError(f"the alias *{shown(event.anchor)} {reason}", line)
        value, size, height = found
        if len(self._open) - 1 + height > self._max_depth:
            raise TreeError(_too_deep(self._max_depth), line)
        if height >= self._top.height:
            self._top.height = height + 1
        self._spend(size, line)
        self._place(value, line)

    def _spend(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            raise TreeError(_too_many(self._max_nodes), line)

    def _place(self, value: Any, line: int) -> None:
        """Put a value where it belongs in the innermost open map or list."""
        parent = self._top
        key = parent.key
        if key is _NO_KEY:
            parent.key = value
            if type(value) is str:
                parent.lines[value] = line
            elif value is not MERGE:
                parent.lines[_checked_key(value, line)] = line
            return
        if value is MERGE:
            value = "<<"
        if key is _ITEMS:
            parent.value.append(value)
            parent.lines.append(line)
            return
        parent.key = _NO_KEY
        if key is not MERGE:
            parent.value[key] = value
        elif parent.merges is None:
            parent.merges = [(value, line)]
        else:
            parent.merges.append((value, line))

    def _merge(self, ended: _Open, merged: Any, line: int) -> None:
        """Add the entries of a `<<` to a map; what the map has itself, or from an earlier merge, stays."""
        sources = merged if isinstance(merged, list) else [merged]
        for source in sources:
            if not isinstance(source, dict):
                raise TreeError(f"<< merges maps only; this is {kind_of(source)}", line)
            self._merged += len(source)  # maps that merge each other level by level copy far more than they hold
            if self._merged > self._max_nodes:
                raise TreeError(_too_many(self._max_nodes), line)
            for key, value in source.items():
                ended.value.setdefault(key, value)
            for part, place in self.lines.get(id(source), {}).items():
                ended.lines.setdefault(part, place)


def _checked_key(value: Any, line: int) -> Any:
    """Return a key that is no text; refuse what can't be a key."""
    if isinstance(value, dict | list):
        raise TreeError("a map or list can't be a key", line)
    if isinstance(value, int) and abs(value) >= _LARGEST_KEY:
        raise TreeError(f"the number {shown(str(value))} is too large for a key; put it in quotes", line)
    return value


def _nothing(event: Any) -> None:
    """Take an event that says nothing."""
