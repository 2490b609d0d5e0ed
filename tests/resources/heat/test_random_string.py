from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.resources.heat.random_string import CLASSES, RandomString, Share, draw
from engine.schema import changes
from engine.schema.types import UNKNOWN
from kit.plugin_host import PluginHost, PropertiesRefused

DEFAULT = CLASSES["lettersdigits"]


def created(**properties: Any) -> PluginHost:
    host = PluginHost(RandomString())
    host.create(**properties)
    return host


@pytest.mark.parametrize(
    ("properties", "length", "characters"),
    [
        pytest.param({}, 32, DEFAULT, id="32 letters and digits unless told otherwise"),
        pytest.param({"length": 512}, 512, DEFAULT, id="as long as told"),
        pytest.param({"length": 1}, 1, DEFAULT, id="one character"),
        pytest.param({"length": 64, "sequence": "octdigits"}, 64, "01234567", id="the old name of a class, alone"),
        pytest.param(
            {"length": 64, "sequence": "octdigits", "character_classes": [{"class": "uppercase"}]},
            64,
            CLASSES["uppercase"] + "01234567",
            id="the old name of a class adds to the classes that are given",
        ),
        pytest.param(
            {"character_classes": [{"class": "hexdigits"}]},
            32,
            "0123456789ABCDEF",
            id="hex digits are upper case",
        ),
        pytest.param(
            {"length": 400, "character_sequences": [{"sequence": "-_"}]},
            400,
            DEFAULT + "-_",
            id="sequences alone still mix in the default class",
        ),
        pytest.param(
            {"character_classes": [], "character_sequences": [{"sequence": "xy"}]},
            32,
            "xy",
            id="sequences without a class",
        ),
    ],
)
def test_it_is_as_long_as_told_and_of_the_characters_told(
    properties: Mapping[str, Any], length: int, characters: str
) -> None:
    value = created(**properties).attribute("value")

    assert len(value) == length
    assert set(value) <= set(characters)


def test_sequences_alone_do_draw_from_the_default_class_too() -> None:
    value = created(length=512, character_sequences=[{"sequence": "-"}]).attribute("value")

    assert set(value) & set(DEFAULT)
    assert "-" in value


@given(
    st.lists(
        st.tuples(st.sampled_from([*CLASSES.values(), "ab", "-_.", "é"]), st.integers(1, 20)),
        min_size=1,
    ),
    st.integers(0, 100),
)
def test_each_minimum_is_met(wanted: list[tuple[str, int]], more: int) -> None:
    shares = [Share(characters, minimum) for characters, minimum in wanted]
    length = sum(share.minimum for share in shares) + more

    drawn = draw(shares, length)
    counted = Counter(drawn)
    assert len(drawn) == length
    for share in shares:
        assert sum(counted[character] for character in set(share.characters)) >= share.minimum


def test_no_two_are_alike() -> None:
    assert created().attribute("value") != created().attribute("value")


def test_what_refers_to_it_gets_the_string() -> None:
    host = created()

    assert host.record.reference_id == host.attribute("value")
    assert host.record.physical_id != host.attribute("value")


def test_it_has_no_parts() -> None:
    assert created().attribute("value", 0) is None


@pytest.mark.parametrize("name", sorted(RandomString.Properties.schemas))
def test_every_change_draws_a_new_one(name: str) -> None:
    assert changes.must_replace({name}, RandomString.Properties.schemas) == {name}


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        pytest.param(
            {"length": 3, "character_classes": [{"class": "digits", "min": 2}, {"min": 2}]},
            "length: 3 is less than the sum of all minimums, 4",
            id="minimums of classes",
        ),
        pytest.param(
            {"length": 4, "character_sequences": [{"sequence": "-", "min": 4}]},
            "length: 4 is less than the sum of all minimums, 5",
            id="the default class counts beside sequences",
        ),
        pytest.param(
            {"character_sequences": [{"sequence": ""}]},
            "character_sequences[0].sequence: it is empty",
            id="nothing to draw",
        ),
        pytest.param(
            {"character_classes": []},
            "character_classes: there is nothing to choose from",
            id="no characters at all",
        ),
        pytest.param({"length": 513}, "length: 513 is out of range", id="too long"),
        pytest.param({"length": 0}, "length: 0 is out of range", id="too short"),
        pytest.param(
            {"character_classes": [{"class": "vowels"}]},
            '"vowels" is not an allowed value',
            id="unknown class",
        ),
    ],
)
def test_what_it_refuses(properties: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(PropertiesRefused) as refused:
        created(**properties)

    assert problem in str(refused.value)


def test_what_is_not_known_yet_is_not_refused() -> None:
    properties = PluginHost(RandomString()).resolve({"length": UNKNOWN, "character_classes": [{"min": UNKNOWN}]})

    assert [*RandomString().validate(properties)] == []
