"""The attributes of a resource as its type tells them now (rpc.md §2.2).

Used by the use cases of resources, never inside a transaction: a type may ask its provider.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.model.records import ResourceRecord, StackRecord
from engine.plugin.context import Context
from engine.plugin.registry import Registry
from engine.schema.attributes import SHOW
from engine.schema.properties import PropertyValues
from engine.template.target import Target
from engine.usecases.views import ResourceView

log = logging.getLogger(__name__)

PortsFor = Callable[[StackRecord, ResourceRecord, Target], Mapping[str, Any]]


def resolve(
    view: ResourceView,
    target: Target,
    registry: Registry,
    ports_for: PortsFor,
    *,
    with_attr: Sequence[str] = (),
) -> dict[str, Any]:
    """Return `show` with what of `with_attr` it lacks, or where there is no `show`, every attribute one by one.

    An attribute that cannot be read is null: a provider that is away must not hide the rest of the resource.
    """
    names = dict.fromkeys((*_declared(view.record, target, registry), *with_attr))
    names.pop(SHOW, None)
    if not view.record.id:  # nothing was made yet, or it is gone
        return dict.fromkeys(names)
    read = _reader(view, target, registry, ports_for)
    whole = read(SHOW)
    if isinstance(whole, Mapping):
        return {**whole, **{name: read(name) for name in with_attr if name not in whole}}
    return {name: read(name) for name in names}


def _declared(record: ResourceRecord, target: Target, registry: Registry) -> list[str]:
    declaration = target.declarations.get(record.name)
    schema = declaration.schema if declaration is not None else registry.find(record.implementation)
    return list(schema.attributes) if schema is not None else []


def _reader(view: ResourceView, target: Target, registry: Registry, ports_for: PortsFor) -> Callable[[str], Any]:
    record = view.record
    declaration = target.declarations.get(record.name)
    ctx = Context(
        stack=view.stack,
        record=record,
        action=record.action,
        properties=PropertyValues(record.properties),
        files=target.files,
        template_file=(declaration.template_file or "") if declaration is not None else "",
        ports=ports_for(view.stack, record, target),
    )

    def read(name: str) -> Any:
        try:
            return registry.get(record.implementation).attribute(ctx, name, ())
        except Exception:  # whatever a type raises, the answer is null
            log.debug("attribute %s of %s in stack %s", name, record.name, view.stack.id, exc_info=True)
            return None

    return read
