"""A small catalogue of resource types, and the short way from a text to a target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import Any

import pytest

from engine.model.errors import TemplateInvalid
from engine.model.problems import Problem
from engine.runtime import declared
from engine.schema.attributes import AttributeGroup, attribute
from engine.schema.properties import OnChange, PropertyGroup, boolean, integer, listing, mapping, string
from engine.schema.type_schema import TypeSchema
from engine.template import environment, parse, source, target
from engine.template.declarations import Template
from engine.template.target import Target
from kit import stored

PSEUDO = declared.pseudo_parameters(stored.stack(id="11-22", name="web", project="acme"))
VERSION = re.compile("heat_template_version|FormatVersion")
NEWEST = "heat_template_version: 2021-04-16\n"


class Properties(PropertyGroup):
    name = string("What it is called.")
    size = integer("How big.", default=1, between=(1, 10), on_change=OnChange.UPDATE)
    is_public = boolean("Whether.", default=False)
    tags = listing("Words.", string("A word."))
    rules = listing("Rules.", mapping("A rule.", {"port": integer("Which.", required=True), "to": string("Where.")}))


class Attributes(AttributeGroup):
    value = attribute("What it holds.")
    data = attribute("A tree.")


DESCRIPTION = string("In words.", on_change=OnChange.UPDATE)


class Catalogue:
    """`Thing` (properties, attributes), `Disk` (kept as a snapshot), `Anything`, `Soft` (nobody waits for it).

    `Described` has a property `description`.
    """

    def __init__(self) -> None:
        self._types = {
            "Test::Thing": TypeSchema("Test::Thing", Properties.schemas, Attributes.schemas),
            "Test::Disk": TypeSchema("Test::Disk", Properties.schemas, Attributes.schemas, snapshots_on_delete=True),
            "Test::Soft": TypeSchema("Test::Soft", Properties.schemas, Attributes.schemas, strict_dependency=False),
            "Test::Described": TypeSchema("Test::Described", {"description": DESCRIPTION}),
            "Test::Anything": TypeSchema("Test::Anything", any_property=True, any_attribute=True),
        }

    def find(self, type_name: str) -> TypeSchema | None:
        return self._types.get(type_name)

    def names(self) -> Iterable[str]:
        return self._types


CATALOGUE = Catalogue()


def parsed(text: str, *, head: str = NEWEST) -> Template:
    """Return a template; one without a version gets that of the head."""
    whole = text if VERSION.search(text) or text.startswith("\ufeff") else head + dedent(text)
    return parse.parse(source.load(whole))


def target_of(text: str, *, head: str = NEWEST, env: Mapping[str, Any] | None = None, **inputs: Any) -> Target:
    """Return the target of a template."""
    return target.build(
        parsed(text, head=head),
        environment=environment.from_map(env or {}),
        catalogue=CATALOGUE,
        pseudo=PSEUDO,
        **inputs,
    )


def problems_of(text: str, **inputs: Any) -> list[Problem]:
    """Return what is wrong with a template; fail if nothing is."""
    with pytest.raises(TemplateInvalid) as caught:
        target_of(text, **inputs)
    return list(caught.value.problems)


def summaries_of(text: str, **inputs: Any) -> dict[str, str]:
    """Return what is wrong with a template, by path."""
    return {problem.where(): problem.summary for problem in problems_of(text, **inputs)}
