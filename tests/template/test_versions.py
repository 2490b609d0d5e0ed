"""What each version of the languages has, against the facts in versions.json: nothing missing, and nothing new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.template import dialects
from engine.template.dialects import Dialect

FACTS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("versions.json").read_text(encoding="utf-8"))


def dialect_of(name: str) -> Dialect:
    key, _, version = name.partition(".")
    return dialects.select({key: version})


@pytest.mark.parametrize("name", FACTS)
def test_a_version_has_what_it_is_known_to_have(name: str) -> None:
    facts, dialect = FACTS[name], dialect_of(name)
    language = dialect.language

    assert sorted(dialect.sections) == facts["sections"]
    assert sorted(dialect.resource_keys) == facts["resource_keys"]
    assert dict(dialect.deletion_policies) == facts["deletion_policies"]
    assert sorted(language.general.functions) == facts["functions"]
    assert sorted(language.conditions.functions) == facts["condition_functions"]
    assert sorted(language.general.refused) == facts["removed"]
    if dialect.is_hot:
        assert sorted(dialect.parameter_keys) == facts["parameter_keys"]


def test_every_version_is_listed_with_its_aliases() -> None:
    assert {one.version: list(one.aliases) for one in dialects.versions()} == {
        name: facts["aliases"] for name, facts in FACTS.items()
    }


@pytest.mark.parametrize("name", FACTS)
def test_the_functions_of_a_version_are_listed_by_name_and_described(name: str) -> None:
    listed = dialects.functions_of(name)
    with_condition = dialects.functions_of(name, with_condition=True)

    assert [one.name for one in listed] == FACTS[name]["functions"]
    assert [one.name for one in with_condition] == sorted(
        {*FACTS[name]["functions"], *FACTS[name]["condition_functions"]}
    )
    assert all(one.description for one in with_condition)


@pytest.mark.parametrize("name", FACTS)
def test_a_function_is_not_both_there_and_refused(name: str) -> None:
    language = dialect_of(name).language

    assert not language.general.functions.keys() & language.general.refused.keys()
    assert not language.conditions.functions.keys() & language.conditions.refused.keys()
