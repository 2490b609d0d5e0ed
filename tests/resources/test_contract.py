"""What every registered resource type must keep to; a new type is visited without being named here.

A type that can't be created with no properties at all needs a sample below; one that the catalogue of types
knows needs its facts in catalogue.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import engine.resources
from engine.model.states import Action
from engine.plugin import Done, Outcome, Poll, ResourceType
from engine.plugin.registry import discover
from engine.plugin.resource_type import TEMPLATE_TYPE
from engine.schema.constraints import AllowedValues, Constraint, CustomConstraint, Range
from engine.schema.properties import OnChange, PropertySchema, resolve
from engine.schema.support import Support, SupportStatus
from kit.nested_stacks import FakeStacks
from kit.plugin_host import Interrupted, PluginHost, through_json

REGISTRY = discover(engine.resources)
TYPES = [pytest.param(REGISTRY.get(name), id=name) for name in REGISTRY.names()]
CATALOGUE: Mapping[str, Any] = json.loads(Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8"))

# In the catalogue, but not checked here: this constraint does nothing but sleep.
LEFT_OUT = {"custom_constraint": "test_constr"}


@dataclass(frozen=True)
class Sample:
    """Properties that a type can be created with, and updated to in place."""

    created: Mapping[str, Any] = field(default_factory=dict)
    updated: Mapping[str, Any] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)


SAMPLES = {
    "OS::Heat::Delay": Sample({"min_wait": 3, "max_jitter": 2}, {"actions": ["DELETE"], "min_wait": 7}),
    "OS::Heat::None": Sample({"whatever": {"is": ["given"]}}, {"else": 1}),
    "OS::Heat::TestResource": Sample({"wait_secs": 0.05, "value": "a"}, {"wait_secs": 2, "value": "b"}),
    "OS::Heat::Value": Sample({"value": [1, 2]}, {"value": "3", "type": "number"}),
    TEMPLATE_TYPE: Sample(
        {"size": 1},
        {"size": 2},
        {"files": {"inner.yaml": "heat_template_version: …"}, "template_file": "inner.yaml"},
    ),
}


def sample(resource_type: ResourceType) -> Sample:
    return SAMPLES.get(resource_type.type_name, Sample())


def host(resource_type: ResourceType) -> PluginHost:
    return PluginHost(resource_type, ports={"stacks": FakeStacks()}, **sample(resource_type).host)


@pytest.mark.parametrize("resource_type", TYPES)
def test_it_says_what_it_is(resource_type: ResourceType) -> None:
    schema = resource_type.schema()

    assert re.fullmatch(r"\w+(::\w+)+", schema.type_name)
    assert schema.description
    assert isinstance(schema.support, Support)
    assert schema.support.version or schema.support.status is SupportStatus.HIDDEN
    assert [*undescribed(schema.properties)] == []
    assert [name for name, attribute in schema.attributes.items() if not attribute.description] == []


@pytest.mark.parametrize("resource_type", TYPES)
def test_it_is_what_the_catalogue_says(resource_type: ResourceType) -> None:
    if not resource_type.type_name.startswith(("OS::", "AWS::")):
        pytest.skip("a type of our own")

    schema = resource_type.schema()
    facts = CATALOGUE[resource_type.type_name]
    assert facts["support"] == support_facts(schema.support)
    assert without_what_is_left_out(facts["properties"]) == property_facts(schema.properties)
    assert facts["attributes"] == {
        name: {"type": attribute.kind, **({} if attribute.cache else {"cache_mode": "cache_none"})}
        for name, attribute in schema.attributes.items()
    }


@pytest.mark.parametrize("resource_type", TYPES)
def test_its_defaults_satisfy_its_own_schema(resource_type: ResourceType) -> None:
    schemas = resource_type.Properties.schemas
    defaults = {name: schema.default for name, schema in schemas.items() if schema.default is not None}

    assert resolve({name: schemas[name] for name in defaults}, defaults).problems == ()


@pytest.mark.parametrize("resource_type", TYPES)
def test_it_lives_to_the_end(resource_type: ResourceType) -> None:
    resource = host(resource_type)
    life = sample(resource_type)

    assert isinstance(resource.create(**life.created), Done)
    if can_change_in_place(resource_type, life):
        assert isinstance(resource.update(**life.updated), Done)
    assert isinstance(resource.delete(), Done)


@pytest.mark.parametrize("resource_type", TYPES)
def test_its_attributes_can_be_read_and_stored(resource_type: ResourceType) -> None:
    resource = host(resource_type)
    resource.create(**sample(resource_type).created)

    for name in resource_type.Attributes.schemas:
        through_json(resource.attribute(name))


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_create_that_is_called_twice_builds_one_thing(resource_type: ResourceType) -> None:
    resource = host(resource_type)
    ctx = resource.begin(Action.CREATE, resource.resolve(sample(resource_type).created))

    first, second = resource_type.create(ctx), resource_type.create(ctx)
    assert identity(first) == identity(second)


@pytest.mark.parametrize("resource_type", TYPES)
@pytest.mark.parametrize("calls", range(3))
def test_a_create_that_was_interrupted_is_finished_by_another(resource_type: ResourceType, calls: int) -> None:
    resource = host(resource_type)
    properties = sample(resource_type).created
    resource.calls_left = calls
    try:
        resource.create(**properties)
    except Interrupted:
        resource.calls_left = None
        known = resource.record.physical_id

        assert isinstance(resource.create(**properties), Done)
        assert known in {None, resource.record.physical_id}


@pytest.mark.parametrize("resource_type", TYPES)
def test_an_update_that_is_called_twice_changes_once(resource_type: ResourceType) -> None:
    life = sample(resource_type)
    if not can_change_in_place(resource_type, life):
        pytest.skip("every change replaces it")
    resource = host(resource_type)
    resource.create(**life.created)
    ctx = resource.begin(Action.UPDATE, resource.resolve(life.updated))

    first, second = resource_type.update(ctx), resource_type.update(ctx)
    assert identity(first) == identity(second)


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_is_gone_can_be_deleted_again(resource_type: ResourceType) -> None:
    resource = host(resource_type)
    resource.create(**sample(resource_type).created)
    resource.delete()

    assert isinstance(resource.delete(), Done)


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_was_never_built_can_be_deleted(resource_type: ResourceType) -> None:
    resource = host(resource_type)
    resource.begin(Action.CREATE, resource.resolve(sample(resource_type).created))

    assert isinstance(resource.delete(), Done)


@pytest.mark.parametrize("resource_type", TYPES)
def test_one_that_builds_outside_can_find_what_it_built(resource_type: ResourceType) -> None:
    if not resource_type.builds_outside:
        pytest.skip("it has no effect outside of the engine")
    resource = host(resource_type)
    properties = resource.resolve(sample(resource_type).created)
    ctx = resource.begin(Action.CREATE, properties)

    assert type(resource_type).find is not ResourceType.find
    assert resource_type.find(ctx) is None
    assert identity(resource_type.create(ctx)) == identity(resource_type.find(ctx))


@pytest.mark.parametrize("resource_type", TYPES)
def test_it_keeps_nothing_to_itself(resource_type: ResourceType) -> None:
    """One instance serves all resources and threads, so it may not remember."""
    test_it_lives_to_the_end(resource_type)

    assert vars(resource_type) == {}


def can_change_in_place(resource_type: ResourceType, life: Sample) -> bool:
    schemas = resource_type.Properties.schemas.values()
    return bool(life.updated) and (
        resource_type.any_property or any(schema.on_change is OnChange.UPDATE for schema in schemas)
    )


def identity(outcome: Outcome | None) -> object:
    """Return what two attempts at the same thing must agree on; how long each waits is its own affair."""
    assert isinstance(outcome, Done | Poll)
    through_json(outcome.data)
    if isinstance(outcome, Poll):
        assert through_json(outcome.token) is not None
    return type(outcome), outcome.physical_id, outcome.nested_stack_id


def undescribed(schemas: Mapping[str, PropertySchema]) -> Iterable[str]:
    for name, schema in schemas.items():
        if not schema.description:
            yield name
        yield from (f"{name}.{inner}" for inner in undescribed(schema.fields or {}))
        if schema.items is not None:
            yield from (f"{name}.{inner}" for inner in undescribed({"*": schema.items}))


def without_what_is_left_out(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {key: fact for key, fact in told.items() if fact != [LEFT_OUT]} for name, told in facts.items()}


def property_facts(schemas: Mapping[str, PropertySchema]) -> dict[str, Any]:
    """Return properties as the catalogue has them: what is as usual is not mentioned."""
    return {name: one_property(schema) for name, schema in schemas.items()}


def one_property(schema: PropertySchema) -> dict[str, Any]:
    inner = schema.fields if schema.items is None else {"*": schema.items}
    told = {
        "required": schema.required,
        "update_allowed": schema.on_change is OnChange.UPDATE,
        "immutable": schema.on_change is OnChange.REFUSE,
        "constraints": [constraint_facts(constraint) for constraint in schema.constraints],
        "schema": property_facts(inner or {}),
        "support": {} if schema.support == Support() else support_facts(schema.support),
    }
    unusual = {key: value for key, value in told.items() if value}
    if schema.default is not None:
        unusual["default"] = schema.default
    return {"type": schema.kind, **unusual}


def constraint_facts(constraint: Constraint) -> dict[str, Any]:
    match constraint:
        case Range(minimum, maximum):
            bounds = {"min": minimum, "max": maximum}
            return {"range": {key: bound for key, bound in bounds.items() if bound is not None}}
        case AllowedValues(allowed):
            return {"allowed_values": [*allowed]}
        case CustomConstraint(name):
            return {"custom_constraint": name}
        case other:
            pytest.fail(f"the catalogue has a word for {other}; say here which")


def support_facts(support: Support) -> dict[str, Any]:
    told: dict[str, Any] = {"status": support.status, "version": support.version, "message": support.message}
    if support.previous is not None:
        told["previous"] = support_facts(support.previous)
    return {key: value for key, value in told.items() if value is not None}
