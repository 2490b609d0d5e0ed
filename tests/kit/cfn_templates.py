"""The short way from the text of a CloudFormation template to a target, over the catalogue of `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest

from engine.model.errors import TemplateInvalid
from engine.model.problems import Problem
from engine.runtime import declared
from engine.template import environment, parse, source, target
from engine.template.declarations import Template
from engine.template.target import NodeValue, Target
from kit import stored
from kit.catalogue import CATALOGUE

AWS = "AWSTemplateFormatVersion: 2010-09-09\n"
HEAT = "HeatTemplateFormatVersion: 2012-12-12\n"
PSEUDO = declared.pseudo_parameters(stored.stack(id="11-22", name="web", project="acme"))

in_both_formats = pytest.mark.parametrize("head", [AWS, HEAT], ids=["AWS", "Heat"])


def parsed(text: str) -> Template:
    """Return a template; one without a version is of the family's own format."""
    whole = text if "ersion: " in text or text.startswith(("{", "\ufeff")) else AWS + dedent(text)
    return parse.parse(source.load(whole))


def target_of(text: str, *, env: Mapping[str, Any] | None = None, **inputs: Any) -> Target:
    return target.build(
        parsed(text), environment=environment.from_map(env or {}), catalogue=CATALOGUE, pseudo=PSEUDO, **inputs
    )


def problems_of(text: str, **inputs: Any) -> list[Problem]:
    with pytest.raises(TemplateInvalid) as caught:
        target_of(text, **inputs)
    return list(caught.value.problems)


def summaries_of(text: str, **inputs: Any) -> dict[str, str]:
    return {problem.where(): problem.summary for problem in problems_of(text, **inputs)}


def properties_of(built: Target, name: str, values: Mapping[str, NodeValue] | None = None) -> dict[str, Any]:
    resolved = target.evaluate_properties(built.declarations[name], target.scope_of(built, values or {}))
    assert resolved.problems == ()
    return dict(resolved.values)


def outputs_of(built: Target, values: Mapping[str, NodeValue] | None = None) -> dict[str, Any]:
    return {one.key: one.error or one.value for one in target.evaluate_outputs(built, values or {})}
