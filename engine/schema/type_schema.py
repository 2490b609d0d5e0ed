"""The interface of a resource type as plain data: what template and plan may know of it.

Made by the plugin floor for built-in types and by `template/nested.py` for templates used as types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.schema.attributes import AttributeSchema
from engine.schema.properties import PropertySchema
from engine.schema.support import SUPPORTED, Support


@dataclass(frozen=True, slots=True)
class TypeSchema:
    """What a type takes and gives."""

    type_name: str
    properties: Mapping[str, PropertySchema] = field(default_factory=dict)
    attributes: Mapping[str, AttributeSchema] = field(default_factory=dict)
    update_policy: Mapping[str, PropertySchema] = field(default_factory=dict)
    support: Support = SUPPORTED
    description: str = ""
    any_attribute: bool = False  # names of attributes are not checked
    any_property: bool = False  # every property is accepted and handed on as it is
    strict_dependency: bool = True  # False: whoever refers to it does not wait for it
    snapshots_on_delete: bool = False  # True: deletion_policy Snapshot is legal
    is_template: bool = False  # True: a nested stack
