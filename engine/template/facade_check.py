"""Whether a template can take the place of a resource type that there is anyway (templates.md §17.4).

Called by `checker` for a type that the user's environment makes a template, and that a registered type would stand for
otherwise. Whoever wrote that type into a template has to get the same properties and attributes from both. Of the
attributes `show` is not demanded: every type has it, and no template can say what it would be.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.schema.properties import PropertySchema
from engine.schema.type_schema import TypeSchema
from engine.schema.types import Kind
from engine.template import coercion


def problems(real: TypeSchema, provider: TypeSchema) -> list[str]:
    """Return why a template, by its interface, can't stand for a type; []: it can.

    `real` is the interface of the type, `provider` what `nested.interface_of` makes of the template. A type that takes
    every property, or has every attribute, asks for none.
    """
    return [*_properties(real, provider), *_attributes(real, provider)]


def _properties(real: TypeSchema, provider: TypeSchema) -> Iterator[str]:
    name_of_type = real.type_name
    for name, wanted in real.properties.items():
        given = provider.properties.get(name)
        if given is not None:
            yield from _kind(name, name_of_type, wanted, given=given)
        elif wanted.required:
            yield f'{name_of_type} has to be given the property "{name}", and the template has no such parameter'
    if real.any_property:
        return
    for name, given in provider.properties.items():
        if given.required and name not in real.properties:
            text = f'the template has to be given the parameter "{name}", and {name_of_type} has no such property'
            yield f"{text}; a default makes it optional"


def _kind(name: str, name_of_type: str, wanted: PropertySchema, *, given: PropertySchema) -> Iterator[str]:
    if wanted.kind is Kind.ANY:
        return
    have, need = coercion.TYPES[given.kind], coercion.TYPES[wanted.kind]
    if have is not need:
        yield f'the parameter "{name}" has to be of type {need} as in {name_of_type}, and is of type {have}'


def _attributes(real: TypeSchema, provider: TypeSchema) -> Iterator[str]:
    for name in real.attributes:
        if name not in provider.attributes:
            yield f'{real.type_name} has the attribute "{name}", and the template has no output of that name'
