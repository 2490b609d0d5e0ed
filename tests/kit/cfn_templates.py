"""The short way from the text of a CloudFormation template to a target, over the catalogue of `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from engine.template import target
from engine.template.target import NodeValue, Target
from kit import catalogue

AWS = "AWSTemplateFormatVersion: 2010-09-09\n"
HEAT = "HeatTemplateFormatVersion: 2012-12-12\n"

in_both_formats = pytest.mark.parametrize("head", [AWS, HEAT], ids=["AWS", "Heat"])

# A template without a version is of the family's own format.
parsed = partial(catalogue.parsed, head=AWS)
target_of = partial(catalogue.target_of, head=AWS)
problems_of = partial(catalogue.problems_of, head=AWS)
summaries_of = partial(catalogue.summaries_of, head=AWS)


def properties_of(built: Target, name: str, values: Mapping[str, NodeValue] | None = None) -> dict[str, Any]:
    resolved = target.evaluate_properties(built.declarations[name], target.scope_of(built, values or {}))
    assert resolved.problems == ()
    return dict(resolved.values)


def outputs_of(built: Target, values: Mapping[str, NodeValue] | None = None) -> dict[str, Any]:
    return {one.key: one.error or one.value for one in target.evaluate_outputs(built, values or {})}
