"""OS::Heat::RandomString: drawn once, kept, never told again by anything but itself (engine.md §13).

The string is drawn by the operating system's generator. It lives in the plugin's data, which the store seals.
"""

from __future__ import annotations

import os
import random
import string as alphabet
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from engine.model.problems import Problem
from engine.plugin import Context, Done, Outcome, ResourceType
from engine.schema import types
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import PropertyGroup, integer, listing, mapping, string
from engine.schema.support import Support, SupportStatus
from engine.schema.types import Kind

CLASSES: Final[Mapping[str, str]] = {
    "lettersdigits": alphabet.ascii_letters + alphabet.digits,
    "letters": alphabet.ascii_letters,
    "lowercase": alphabet.ascii_lowercase,
    "uppercase": alphabet.ascii_uppercase,
    "digits": alphabet.digits,
    "hexdigits": alphabet.digits + "ABCDEF",
    "octdigits": alphabet.octdigits,
}
DEFAULT_CLASSES: Final = ({"class": "lettersdigits", "min": 1},)
LONGEST: Final = 512  # characters


@dataclass(frozen=True, slots=True)
class Share:
    """Characters of which a string must have at least so many."""

    characters: str
    minimum: int


class RandomString(ResourceType):
    """A random string, generated once and kept."""

    type_name = "OS::Heat::RandomString"
    support = Support(version="2014.1")

    class Properties(PropertyGroup):
        """Every change draws a new string."""

        length = integer("Length of the string.", default=32, between=(1, LONGEST))
        sequence = string(
            "Class of the characters to choose from; character_classes says more.",
            one_of=tuple(CLASSES),
            support=Support(
                SupportStatus.HIDDEN,
                version="5.0.0",
                previous=Support(SupportStatus.DEPRECATED, version="2014.2"),
            ),
        )
        character_classes = listing(
            "Classes of characters to choose from.",
            mapping(
                "One class.",
                {
                    "class": string("Name of the class.", default="lettersdigits", one_of=tuple(CLASSES)),
                    "min": integer("How many of them at least.", default=1, between=(1, LONGEST)),
                },
            ),
            default=[*DEFAULT_CLASSES],
        )
        character_sequences = listing(
            "Further characters to choose from.",
            mapping(
                "Some characters.",
                {
                    "sequence": string("The characters.", required=True),
                    "min": integer("How many of them at least.", default=1, between=(1, LONGEST)),
                },
            ),
        )
        salt = string("Change this to get a new string.")

    class Attributes(AttributeGroup):
        """The string, which is also what get_resource yields."""

        value = attribute("The random string.", kind=Kind.STRING, cache=False)

    def create(self, ctx: Context) -> Outcome:
        """Draw the string. One that was lost in a crash was never seen by anybody: another is drawn."""
        value = draw(list(_shares(ctx.properties)), ctx.properties.length)
        return Done(physical_id=ctx.physical_name(), reference=value, data={"value": value})

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        """Return the string."""
        return ctx.data.get(name) if not path else None

    def validate(self, properties: Mapping[str, Any]) -> Iterable[Problem]:
        """Refuse more minimums than there is length, and having nothing to choose from."""
        if types.contains_unknown(properties):
            return
        for index, item in enumerate(properties.get("character_sequences") or ()):
            if not item["sequence"]:
                path = ("character_sequences", index, "sequence")
                yield Problem(path, "it is empty; it needs one character or more")
        shares = list(_shares(properties))
        if not shares:
            yield Problem(("character_classes",), "there is nothing to choose from: no class and no sequence")
        needed = sum(share.minimum for share in shares)
        if needed > properties["length"]:
            text = f"{properties['length']} is less than the sum of all minimums, {needed}"
            yield Problem(("length",), text)


class _SystemRandom(random.SystemRandom):
    """The system's random numbers, fetched many at a time: asking for each character alone is what takes time."""

    _FETCHED = 512  # bytes; one string of the default length takes about half

    def __init__(self) -> None:
        super().__init__()
        self._bytes = BytesIO()

    def random(self) -> float:
        """Return a number from 0 up to 1, with all 53 bits."""
        return self.getrandbits(53) * 2**-53

    def getrandbits(self, k: int) -> int:
        """Return a number of k random bits."""
        size = (k + 7) // 8
        fetched = self._bytes.read(size)
        if len(fetched) < size:
            self._bytes = BytesIO(os.urandom(max(size, self._FETCHED)))
            fetched = self._bytes.read(size)
        return int.from_bytes(fetched) >> (size * 8 - k)


def draw(shares: list[Share], length: int) -> str:
    """Return a random string with each minimum met; what is left is drawn from all characters alike."""
    chance = _SystemRandom()
    union = "".join(dict.fromkeys("".join(share.characters for share in shares)))
    drawn = [chance.choice(share.characters) for share in shares for _ in range(share.minimum)]
    drawn += chance.choices(union, k=length - len(drawn))
    chance.shuffle(drawn)
    return "".join(drawn)


def _shares(properties: Mapping[str, Any]) -> Iterator[Share]:
    """Yield what to draw from.

    The default class is the default of a property, so giving only sequences still mixes it in. `sequence` is
    the old name of a class; it takes the place of that default and adds to what else is given.
    """
    classes = properties["character_classes"]
    if properties.get("sequence"):
        given = [] if classes == [*DEFAULT_CLASSES] else classes
        classes = [*given, {"class": properties["sequence"], "min": 1}]
    for item in classes:
        yield Share(CLASSES[item["class"]], item["min"])
    for item in properties.get("character_sequences") or ():
        yield Share(item["sequence"], item["min"])
