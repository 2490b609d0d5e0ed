"""What a plain scalar of a text means: in YAML 1.1 as templates have always used it, and in JSON.

Called by `source` (which of the two) and by `tree` (scalars with a tag). Timestamps stay text (templates.md §2.2).
Numbers that are not finite or have more digits than can be printed are refused, because no value may be lost on its
way through JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import yaml

ScalarReader = Callable[[str], Any]  # the value of a plain scalar; may raise ValueError

MAX_DIGITS: Final = 1_000  # of an integer
MERGE: Final = object()  # stands for a plain <<, which merges where it is a key
TAG_PREFIX: Final = "tag:yaml.org,2002:"
_LONGEST_PLAIN: Final = 2_000  # characters of a plain scalar that may be something else than text
_RESOLVERS: Final = yaml.SafeLoader.yaml_implicit_resolvers
_JSON_WORDS: Final = {"true": True, "false": False, "null": None}
_JSON_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def of_json(text: str) -> Any:
    """Return what a plain scalar of JSON means."""
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    return json.loads(text, parse_float=finite) if _JSON_NUMBER.fullmatch(text) else text


def of_yaml(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.1, timestamps left as text; `MERGE` for <<."""
    if len(text) > _LONGEST_PLAIN:
        return text
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return of_tag(tag.removeprefix(TAG_PREFIX), text)
    return text


def of_tag(tag: str, text: str) -> Any:
    """Return what a scalar with one of YAML's own tags means, text if that is not known here.

    `ValueError` or `KeyError`: the text is not of its tag.
    """
    match tag:
        case "null":
            return None
        case "bool":
            return _BOOLEANS[text.lower()]
        case "int":
            return _integer(text.replace("_", ""))
        case "float":
            return _float(text.replace("_", "").lower())
        case "merge":
            return MERGE
        case _:
            return text


def finite(text: str) -> float:
    """Return the number; `ValueError` if it is too large, infinite or not a number."""
    return _finite(float(text), text)


def _finite(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)} is not a finite number")
    return number


def shown(text: str) -> str:
    """Return a piece of the text as a message quotes it: no more than its beginning."""
    return text if len(text) <= 40 else f"{text[:40]}…"


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
    return sign * _finite(found, text)
