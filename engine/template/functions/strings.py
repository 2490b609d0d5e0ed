"""Functions that make text, or take it apart: str_replace, list_join, str_split (templates.md §6.6, §6.7, §6.10).

A few lines of template can ask for more text than there is memory, so the length of a result is known before
it is built. CloudFormation's functions use the parts that are public here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from engine.schema import types
from engine.template import expressions
from engine.template.expressions import BadArgument, Call, Choice, Expr, Literal, Scope
from engine.template.functions import growth
from engine.template.intrinsics import function, list_of, map_with

_STEP: Final = growth.VALUE  # the cost of one place where a placeholder was found
# A search costs its text times this much: the length of what is looked for, and something for the beginning.
_SEARCH_START: Final = 8
_SEARCH_SHARE: Final = 1_000
_MISSING_SHOWN: Final = 20  # placeholders, in a message
_WORD: Final = re.compile(r"\S+")
_SPLIT_FORM: Final = "the arguments have to be a list: delimiter, text, and if wanted the index of one part"

Texter = Callable[[Any, Scope], str]  # the text of a value that is not a string


def _replace_shape(argument: Expr) -> str | None:
    wrong = map_with("template", "params")(argument)
    if wrong is not None:
        return wrong
    params = (expressions.as_map(argument) or {})["params"]
    if expressions.as_map(params) is None and not isinstance(params, Call | Choice):
        return "params has to be a map"
    return None


@function("str_replace", until="2015-04-30", shape=_replace_shape)
def str_replace_scalars(arguments: Any, scope: Scope) -> str:
    """Replace placeholders in a text with strings or numbers."""
    return _replaced(arguments, _scalar_text, scope)


@function("str_replace", since="2015-10-15", shape=_replace_shape)
def str_replace(arguments: Any, scope: Scope) -> str:
    """Replace placeholders in a text with values; maps and lists become JSON."""
    return _replaced(arguments, _json_text, scope)


@function("str_replace_strict", since="2017-02-24", shape=_replace_shape)
def str_replace_strict(arguments: Any, scope: Scope) -> str:
    """Replace placeholders in a text with values, and refuse placeholders that are not in the text."""
    return _replaced(arguments, _json_text, scope, is_strict=True)


@function("str_replace_vstrict", since="2017-09-01", shape=_replace_shape)
def str_replace_vstrict(arguments: Any, scope: Scope) -> str:
    """Replace placeholders in a text with values, and refuse what is empty or not in the text."""
    return _replaced(arguments, _filled_text, scope, is_strict=True)


def _replaced(arguments: Any, text_of: Texter, scope: Scope, *, is_strict: bool = False) -> str:
    template, params = arguments.get("template"), arguments.get("params")
    if not isinstance(template, str):
        raise BadArgument(f"template has to be a string, and is {types.shown(template)}")
    if not isinstance(params, Mapping):
        raise BadArgument(f"params has to be a map, and is {types.shown(params)}")
    if "" in params:
        raise BadArgument("a placeholder can't be empty")
    texts = {str(name): text_of(value, scope) for name, value in params.items()}
    found = occurrences(template, texts, scope)
    if is_strict and (missing := _in_order(texts.keys() - {name for _, name in found})):
        shown = ", ".join(map(types.shown, missing[:_MISSING_SHOWN]))
        raise BadArgument(f"placeholders are not in the template: {shown}{', …' * (len(missing) > _MISSING_SHOWN)}")
    return _filled_in(template, found, texts, scope)


def occurrences(template: str, names: Iterable[str], scope: Scope) -> list[tuple[int, str]]:
    """Return where in the template which placeholder (none of them empty) is replaced, in the order of the text.

    Longer placeholders come first, equally long ones in order of the alphabet; a shorter one sees only what
    the longer ones left over, and replaced text is never looked at again.
    """
    ordered = _in_order(names)
    effort = sum(map(len, ordered)) + _SEARCH_START * len(ordered)
    scope.spend(len(template) * effort // _SEARCH_SHARE + len(ordered))
    is_taken = bytearray(len(template))
    found: list[tuple[int, str]] = []
    for name in ordered:
        start = template.find(name)
        while start >= 0:
            scope.spend(_STEP)
            end = start + len(name)
            last = is_taken.rfind(1, start, end)
            if last < 0:
                is_taken[start:end] = b"\1" * len(name)
                found.append((start, name))
                free = end
            else:  # what begins before the last taken place would hold it too
                free = is_taken.find(0, last + 1)
            start = -1 if free < 0 else template.find(name, free)
    found.sort()
    return found


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (-len(name), name))


def _filled_in(template: str, found: list[tuple[int, str]], texts: Mapping[str, str], scope: Scope) -> str:
    growth.make_text(len(template) + sum(len(texts[name]) - len(name) for _, name in found), scope)
    pieces: list[str] = []
    end = 0
    for start, name in found:
        pieces += (template[end:start], texts[name])
        end = start + len(name)
    return "".join((*pieces, template[end:]))


def replace_all(template: str, name: str, text: str, scope: Scope) -> str:
    """Return the template with every occurrence of one placeholder, which can't be empty, replaced."""
    count = template.count(name)
    if not count:
        return template
    growth.make_text(len(template) + count * (len(text) - len(name)), scope)
    return template.replace(name, text)


def _scalar_text(value: Any, _: Scope) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise BadArgument(f"values have to be strings or numbers; {types.shown(value)} is neither")
    return scalar_text(value)


def scalar_text(value: str | float) -> str:
    """Return the text of a string, number or boolean."""
    try:
        return str(value)
    except ValueError:  # Python refuses to write very large numbers
        raise BadArgument("a number has too many digits to be written") from None


def _json_text(value: Any, scope: Scope) -> str:
    if isinstance(value, Mapping | list):
        return growth.json_text(value, scope)
    return _scalar_text(value, scope)


def _filled_text(value: Any, scope: Scope) -> str:
    if value is None or (isinstance(value, str | Mapping | list) and not value):
        raise BadArgument(f"values can't be null or empty; {types.shown(value)} is")
    return _json_text(value, scope)


@function("list_join", until="2015-04-30", shape=list_of(2, 2))
def list_join_one(arguments: Any, scope: Scope) -> str:
    """Join a list of strings with a delimiter."""
    delimiter, items = arguments
    return _joined(delimiter, [items], _only_strings, scope)


@function("list_join", since="2015-10-15", shape=list_of(2))
def list_join(arguments: Any, scope: Scope) -> str:
    """Join lists of strings with a delimiter; maps and lists in them become JSON."""
    delimiter, *lists = arguments or [None]
    return _joined(delimiter, lists, _strings_or_json, scope)


def _joined(delimiter: Any, lists: list[Any], text_of: Texter, scope: Scope) -> str:
    if not isinstance(delimiter, str):
        raise BadArgument(f"the delimiter has to be a string, and is {types.shown(delimiter)}")
    texts: list[str] = []
    for items in lists:
        if not items:  # null, or an empty text: what other functions yield for a value that is not there yet
            continue
        if not isinstance(items, list):
            raise BadArgument(f"{types.shown(items)} has to be a list")
        scope.spend(growth.PLACE * len(items))
        texts += [text_of(item, scope) for item in items]
    growth.make_text(sum(map(len, texts)) + len(delimiter) * max(len(texts) - 1, 0), scope)
    return delimiter.join(texts)


def _only_strings(item: Any, _: Scope) -> str:
    if item is None or isinstance(item, str):
        return item or ""
    raise BadArgument(f"items have to be strings; {types.shown(item)} is none")


def _strings_or_json(item: Any, scope: Scope) -> str:
    if isinstance(item, Mapping | list):
        return growth.json_text(item, scope)
    return _only_strings(item, scope)


def _split_shape(argument: Expr) -> str | None:
    is_text = isinstance(argument, Literal) and isinstance(argument.value, str)
    return _SPLIT_FORM if is_text or expressions.as_map(argument) is not None else None


@function("str_split", since="2015-10-15", shape=_split_shape)
def str_split(arguments: Any, scope: Scope) -> Any:
    """Split a text at a delimiter; with an index, yield one of the parts."""
    if not isinstance(arguments, list) or len(arguments) not in (2, 3):
        raise BadArgument(_SPLIT_FORM)
    delimiter, text, *index = arguments
    if text is None:  # an attribute of a resource that is not built yet
        return None
    if not isinstance(text, str):
        raise BadArgument(f"the text has to be a string, and is {types.shown(text)}")
    if delimiter is not None and not (isinstance(delimiter, str) and delimiter):
        raise BadArgument(f"the delimiter has to be a string that is not empty, and is {types.shown(delimiter)}")
    parts = split(delimiter, text, scope)
    return _part(parts, index[0]) if index else parts


def split(delimiter: str | None, text: str, scope: Scope) -> list[str]:
    """Return the parts between delimiters, which can't be empty; None: between stretches of white space."""
    growth.read_text(text, scope)
    count = sum(1 for _ in _WORD.finditer(text)) if delimiter is None else text.count(delimiter) + 1
    growth.make_values(count, scope)
    growth.make_text(len(text), scope)
    return text.split(delimiter)


def _part(parts: list[str], index: Any) -> str:
    try:
        position = int(index)
    except (ValueError, TypeError, OverflowError):
        raise BadArgument(f"the index has to be a whole number, and is {types.shown(index)}") from None
    if -len(parts) <= position < len(parts):
        return parts[position]
    known = f"0 to {len(parts) - 1}" if parts else "there are no parts"
    raise BadArgument(f"the index {types.shown(index)} is out of range: {known}")
