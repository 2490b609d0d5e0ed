"""How the two families of the language spell what they both have (templates.md §3.1, §11.1).

Used by `dialects`, and through a template's dialect by everything that names a place in a template: a path is
written in the words of the template that it points into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """The keys of sections, resources and outputs."""

    description: str = "description"
    parameters: str = "parameters"
    parameter_groups: str = "parameter_groups"
    mappings: str = "mappings"
    conditions: str = "conditions"
    resources: str = "resources"
    outputs: str = "outputs"
    type: str = "type"
    properties: str = "properties"
    metadata: str = "metadata"
    depends_on: str = "depends_on"
    deletion_policy: str = "deletion_policy"
    update_policy: str = "update_policy"
    condition: str = "condition"
    external_id: str = "external_id"
    value: str = "value"


HOT_WORDS: Final = Words()
CFN_WORDS: Final = Words(
    description="Description",
    parameters="Parameters",
    mappings="Mappings",
    conditions="Conditions",
    resources="Resources",
    outputs="Outputs",
    type="Type",
    properties="Properties",
    metadata="Metadata",
    depends_on="DependsOn",
    deletion_policy="DeletionPolicy",
    update_policy="UpdatePolicy",
    condition="Condition",
    value="Value",
)
