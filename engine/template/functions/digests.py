"""digest: the hash of a text (templates.md §6.9). Which hashes there are is up to the platform's library."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final

from engine.schema import types
from engine.template.expressions import BadArgument, Scope
from engine.template.functions import growth
from engine.template.intrinsics import function

_WELL_KNOWN: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b")  # for messages


@function("digest", since="2015-04-30")
def digest(arguments: Any, scope: Scope) -> str:
    """Yield the hash of a text, in hexadecimal digits."""
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise BadArgument("the arguments have to be a list of 2 strings: algorithm, text")
    algorithm, text = arguments
    if not isinstance(algorithm, str):
        raise BadArgument(f"the algorithm has to be a string, and is {types.shown(algorithm)}")
    if not isinstance(text, str):
        raise BadArgument(f"the text has to be a string, and is {types.shown(text)}")
    name = algorithm.lower()
    if name not in _algorithms():
        known = ", ".join(one for one in _WELL_KNOWN if one in _algorithms())
        raise BadArgument(f"there is no algorithm {types.shown(algorithm)}; there are {known} and others")
    growth.read_text(text, scope)
    return hashlib.new(name, _octets(text), usedforsecurity=False).hexdigest()


def _octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        strange = f"U+{ord(text[error.start]):04X}"
        where = f"the text has {strange} at index {error.start}"
        raise BadArgument(f"{where}; a digest is made of characters up to U+00FF only") from None


@cache
def _algorithms() -> frozenset[str]:
    """Return the names of hashes of a fixed length that really work here."""
    return frozenset(name.lower() for name in hashlib.algorithms_available if _works(name.lower()))


def _works(name: str) -> bool:
    try:
        return hashlib.new(name, usedforsecurity=False).digest_size > 0
    except ValueError:  # listed, but refused: old ones that the platform has turned off
        return False
