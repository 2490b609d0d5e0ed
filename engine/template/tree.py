"""Builds the data of a YAML text from libyaml's events, with a line for every key and item, within a budget.

Called by `source` only. Nothing recurses. The dialect is YAML 1.1 as templates have always used it:
timestamps stay text, a key given twice counts as given last, `<<` merges (templates.md §2.2). Numbers that
are not finite or have more digits than can be printed are refused, because no value may be lost on its way
through JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import islice
from typing import Any, Final

import yaml
from yaml._yaml import CParser

from engine.model.problems import PathPart

ScalarReader = Callable[[str], Any]  # the value of a plain scalar; may raise ValueError
Lines = dict[int, dict[PathPart, int]]

MAX_DIGITS: Final = 1_000  # of an integer
_LONGEST_PLAIN: Final = 2_000  # characters of a plain scalar that may be something else than text
_MERGE: Final = object()  # stands for the key <<
_NO_KEY: Final = object()
_RESOLVERS: Final = yaml.SafeLoader.yaml_implicit_resolvers
_PREFIX: Final = "tag:yaml.org,2002:"
_JSON_WORDS: Final = {"true": True, "false": False, "null": None}
_JSON_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class TreeError(Exception):
    """The text is YAML, but asks for something that can't be had."""

    def __init__(self, summary: str, line: int | None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.line = line


def build(text: str, max_depth: int, max_nodes: int, *, scalar: ScalarReader) -> tuple[Any, Lines]:
    """Return the data (None: nothing there) and the lines of keys and items, by the id of their container."""
    builder = _Builder(max_depth, max_nodes, scalar)
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        builder.take(event)
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


def json_scalar(text: str) -> Any:
    """Return what a plain scalar of JSON means."""
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    return json.loads(text) if _JSON_NUMBER.fullmatch(text) else text


def yaml_scalar(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.1, timestamps left as text."""
    if len(text) > _LONGEST_PLAIN:
        return text
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return _tagged(tag, text)
    return text


def _tagged(tag: str, text: str) -> Any:
    match tag.removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return _BOOLEANS[text.lower()]
        case "int":
            return _integer(text.replace("_", ""))
        case "float":
            return _float(text.replace("_", "").lower())
        case "merge":
            return _MERGE
        case _:
            return text


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits; at most {MAX_DIGITS} are allowed")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if digits.startswith("0b"):
        return sign * int(digits, 2)
    if digits.startswith("0x"):
        return sign * int(digits, 16)
    if ":" in digits:
        return sign * reduce(lambda found, part: found * 60 + int(part), digits.split(":"), 0)
    if digits.startswith("0"):
        return sign * int(digits, 8)
    return sign * int(digits)


def _float(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    digits = digits.replace(".inf", "inf").replace(".nan", "nan")
    found = reduce(lambda found, part: found * 60.0 + float(part), digits.split(":"), 0.0)
    if not math.isfinite(found):
        raise ValueError(f"{_shown(text)} is not a finite number")
    return sign * found


def _too_deep(limit: int) -> str:
    return f"maps and lists stand more than {limit} deep inside each other"


def _too_many(limit: int) -> str:
    return f"the text holds more than {limit} values, aliases followed"


class _Open:
    """A map or list whose end has not come yet."""

    __slots__ = ("anchor", "height", "is_map", "key", "key_line", "lines", "merges", "size", "value")

    def __init__(self, is_map: bool, anchor: str | None) -> None:
        self.is_map = is_map
        self.anchor = anchor
        self.value: Any = {} if is_map else []
        self.lines: dict[PathPart, int] = {}
        self.key: Any = _NO_KEY
        self.key_line = 0
        self.merges: list[Any] = []
        self.size = 1  # values in it, itself included, aliases followed
        self.height = 1  # levels in it, itself included, aliases followed


class _Builder:
    """Takes the events of one text in turn."""

    def __init__(self, max_depth: int, max_nodes: int, scalar: ScalarReader) -> None:
        self.root: Any = None
        self.lines: Lines = {}
        self._max_depth = max_depth
        self._max_nodes = max_nodes
        self._scalar = scalar
        self._plain: dict[str, Any] = {}  # plain scalars repeat a lot
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # value, size, height
        self._documents = 0
        self._line = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._line = event.start_mark.line + 1
            value = self._value_of(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = (value, 1, 0)
            self._put(value, 1, 0)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event, kind is yaml.MappingStartEvent)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise TreeError("a second document begins; there may be one only", event.start_mark.line + 1)

    def _value_of(self, event: Any) -> Any:
        text = event.value
        if event.tag is not None and event.tag != "!":
            return self._with_tag(event.tag, text)
        if not event.implicit[0]:
            return text
        try:
            return self._plain[text]
        except KeyError:
            pass
        try:
            value = self._plain[text] = self._scalar(text)
        except ValueError as error:
            raise TreeError(str(error), self._line) from None
        return value

    def _with_tag(self, tag: str, text: str) -> Any:
        short = tag.removeprefix(_PREFIX)
        if short in ("str", "timestamp"):
            return text
        if short not in ("int", "float", "bool", "null"):
            raise TreeError(f"the tag {_shown(tag)} is not supported", self._line)
        try:
            return _tagged(_PREFIX + short, text)
        except (ValueError, KeyError):
            raise TreeError(f"{text[:40]!r} is not of its tag {_shown(tag)}", self._line) from None

    def _start(self, event: Any, is_map: bool) -> None:
        self._line = event.start_mark.line + 1
        wanted = "map" if is_map else "seq"
        if event.tag not in (None, "!", _PREFIX + wanted):
            raise TreeError(f"the tag {_shown(event.tag)} is not supported", self._line)
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.is_map and parent.key is _NO_KEY:
            raise TreeError("a map or list can't be a key", self._line)
        if len(self._open) >= self._max_depth:
            raise TreeError(_too_deep(self._max_depth), self._line)
        if parent is not None:
            self._note_line(parent)
        self._open.append(_Open(is_map, event.anchor))
        self._anchors.pop(event.anchor, None)

    def _end(self) -> None:
        ended = self._open.pop()
        for merged in ended.merges:
            self._merge(ended, merged)
        if ended.lines:
            self.lines[id(ended.value)] = ended.lines
        if ended.anchor is not None:
            self._anchors[ended.anchor] = (ended.value, ended.size, ended.height)
        self._put(ended.value, ended.size, ended.height)

    def _alias(self, event: Any) -> None:
        self._line = event.start_mark.line + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = any(one.anchor == event.anchor for one in self._open)
            reason = "stands inside what it refers to" if inside else "refers to no anchor before it"
            raise TreeError(f"the alias *{_shown(event.anchor)} {reason}", self._line)
        if len(self._open) + found[2] > self._max_depth:
            raise TreeError(_too_deep(self._max_depth), self._line)
        self._put(*found)

    def _put(self, value: Any, size: int, height: int) -> None:
        """Place a finished value where it belongs: in the innermost open map or list, or as the root."""
        if not self._open:
            self.root = None if value is _MERGE else value
            return
        parent = self._open[-1]
        parent.size += size
        if parent.size > self._max_nodes:
            raise TreeError(_too_many(self._max_nodes), self._line)
        if height >= parent.height:
            parent.height = height + 1
        if not parent.is_map:
            parent.lines.setdefault(len(parent.value), self._line)
            parent.value.append("<<" if value is _MERGE else value)
        elif parent.key is _NO_KEY:
            self._put_key(parent, value)
        elif parent.key is _MERGE:
            parent.merges.append(value)
            parent.key = _NO_KEY
        else:
            parent.value[parent.key] = "<<" if value is _MERGE else value
            parent.lines[parent.key] = parent.key_line
            parent.key = _NO_KEY

    def _put_key(self, parent: _Open, value: Any) -> None:
        if isinstance(value, dict | list):
            raise TreeError("a map or list can't be a key", self._line)
        parent.key = value
        parent.key_line = self._line

    def _note_line(self, parent: _Open) -> None:
        """Remember where an item that is itself a map or list begins; its end would be too late."""
        if not parent.is_map:
            parent.lines[len(parent.value)] = self._line

    def _merge(self, ended: _Open, merged: Any) -> None:
        """Add the entries of a `<<` to a map; what the map has itself, or from an earlier merge, stays."""
        sources = merged if isinstance(merged, list) else [merged]
        for source in sources:
            if not isinstance(source, dict):
                raise TreeError(f"<< merges maps only; this is {kind_of(source)}", self._line)
            for key, value in source.items():
                ended.value.setdefault(key, value)
            for part, line in self.lines.get(id(source), {}).items():
                ended.lines.setdefault(part, line)


def _shown(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
