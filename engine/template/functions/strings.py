"""Functions that make text: str_replace and list_join (templates.md §6.6, §6.7).

A few lines of template can ask for more text than there is memory, so the length of a result is known before
it is built.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from engine.schema import types
from engine.template import expressions
from engine.template.expressions import BadArgument, Call, Choice, Expr, Scope
from engine.template.intrinsics import function, list_of, map_with

MAX_TEXT: Final = 2_000_000  # characters of one result

Texter = Callable[[Any], str]  # the text of a value that is not a string


def _replace_shape(argument: Expr) -> str | None:
    wrong = map_with("template", "params")(argument)
    if wrong is not None:
        return wrong
    params = (expressions.as_map(argument) or {})["params"]
    if expressions.as_map(params) is None and not isinstance(params, Call | Choice):
        return "params has to be a map"
    return None


@function("str_replace", until="2015-04-30", shape=_replace_shape)
def str_replace_scalars(arguments: Any, _: Scope) -> str:
    """Replace placeholders in a text with strings or numbers."""
    return _replaced(arguments, _scalar_text)


@function("str_replace", since="2015-10-15", shape=_replace_shape)
def str_replace(arguments: Any, _: Scope) -> str:
    """Replace placeholders in a text with values; maps and lists become JSON."""
    return _replaced(arguments, _json_text)


def _replaced(arguments: Any, text_of: Texter) -> str:
    template, params = arguments.get("template"), arguments.get("params")
    if not isinstance(template, str):
        raise BadArgument(f"template has to be a string, and is {types.shown(template)}")
    if not isinstance(params, Mapping):
        raise BadArgument(f"params has to be a map, and is {types.shown(params)}")
    if "" in params:
        raise BadArgument("a placeholder can't be empty")
    texts = {str(name): text_of(value) for name, value in params.items()}
    return substitute(template, texts)


def substitute(template: str, texts: Mapping[str, str]) -> str:
    """Return the template with each placeholder replaced, in one pass (templates.md §6.6).

    Longer placeholders come first, equally long ones in order of the alphabet; a shorter one sees only what
    the longer ones left over, and replaced text is never looked at again.
    """
    pieces: list[tuple[bool, str]] = [(False, template)]  # whether it is a result already
    for name in sorted(texts, key=lambda name: (-len(name), name)):
        if name in template:
            pieces = [part for piece in pieces for part in _split(piece, name, texts[name])]
            _check_length(sum(len(text) for _, text in pieces))
    return "".join(text for _, text in pieces)


def _split(piece: tuple[bool, str], name: str, text: str) -> Iterable[tuple[bool, str]]:
    is_result, content = piece
    if is_result or name not in content:
        yield piece
        return
    first, *rest = content.split(name)
    _check_length(len(content) + len(rest) * (len(text) - len(name)))
    yield False, first
    for part in rest:
        yield True, text
        yield False, part


def _scalar_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    raise BadArgument(f"values have to be strings or numbers; {types.shown(value)} is neither")


def _json_text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True)
    return _scalar_text(value)


@function("list_join", until="2015-04-30", shape=list_of(2, 2))
def list_join_one(arguments: Any, _: Scope) -> str:
    """Join a list of strings with a delimiter."""
    delimiter, items = arguments
    return _joined(delimiter, [items], _only_strings)


@function("list_join", since="2015-10-15", shape=list_of(2))
def list_join(arguments: Any, _: Scope) -> str:
    """Join lists of strings with a delimiter; maps and lists in them become JSON."""
    delimiter, *lists = arguments or [None]
    return _joined(delimiter, lists, _strings_or_json)


def _joined(delimiter: Any, lists: list[Any], text_of: Texter) -> str:
    if not isinstance(delimiter, str):
        raise BadArgument(f"the delimiter has to be a string, and is {types.shown(delimiter)}")
    texts: list[str] = []
    for items in lists:
        if items is None or items == "":
            continue
        if not isinstance(items, list):
            raise BadArgument(f"{types.shown(items)} has to be a list")
        texts += [text_of(item) for item in items]
    _check_length(sum(map(len, texts)) + len(delimiter) * max(len(texts) - 1, 0))
    return delimiter.join(texts)


def _only_strings(item: Any) -> str:
    if item is None or isinstance(item, str):
        return item or ""
    raise BadArgument(f"items have to be strings; {types.shown(item)} is none")


def _strings_or_json(item: Any) -> str:
    if isinstance(item, Mapping | list):
        return json.dumps(item, sort_keys=True)
    return _only_strings(item)


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise BadArgument(f"the result would have {length} characters; at most {MAX_TEXT} are allowed")
