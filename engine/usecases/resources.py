"""Resources: those of a stack, and the one that a real thing belongs to (rpc.md §2.2, §3.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import Caller
from engine.plugin.registry import Registry
from engine.runtime.declared import Declared
from engine.store import resources
from engine.store.database import Database
from engine.template.target import Target
from engine.usecases import access, attributes, contents, stack_filters
from engine.usecases.attributes import PortsFor
from engine.usecases.contents import Content
from engine.usecases.views import ResourceView


@dataclass(frozen=True, slots=True)
class ListResources:
    """Which resources a caller wants to see."""

    nested_depth: int = 0  # levels of nested stacks below
    with_detail: bool = False
    type_contains: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)  # name, status, action, id, physical_resource_id
    limit: int | None = None  # None: all
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """The use cases of resources."""

    db: Database
    declared: Declared
    ports_for: PortsFor
    max_nested_stack_depth: int = 5

    def list(
        self, caller: Caller, identity: StackIdentity, wanted: ListResources
    ) -> tuple[Sequence[ResourceView], str]:
        """Return a page of what is in a stack, a deleted one too, and in those nested in it; and the next marker."""
        if wanted.nested_depth < 0:
            text = f"nested_depth: {wanted.nested_depth} is negative"
            raise EngineError(Code.INVALID_ARGUMENT, text, field="nested_depth")
        depth = min(wanted.nested_depth, self.max_nested_stack_depth)
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity, show_deleted=True)
            found = contents.read_tree(tx, self.declared, stack, depth)
        columns = _columns(wanted.filters)
        kept = [one for one in _each(found) if _is_wanted(one[1], wanted.type_contains, columns)]
        placed, following = _page(kept, wanted.limit, wanted.marker)
        return [self._detailed(*one) if wanted.with_detail else one[1] for one in placed], following

    def describe(
        self,
        caller: Caller,
        identity: StackIdentity,
        name: str,
        *,
        with_attr: Sequence[str] = (),
        bare: bool = False,
    ) -> ResourceView:
        """Return one resource with its details, if `bare` without attributes; raise RESOURCE_NOT_FOUND."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity)
            content = contents.read(tx, self.declared, stack, only=name) if name else None
        if content is None or not content.views:
            raise contents.not_found(stack, name)
        (view,) = content.views
        return replace(view, detailed=True) if bare else self._detailed(content.target, view, with_attr)

    def describe_all(
        self,
        caller: Caller,
        identity: StackIdentity,
        *,
        name: str = "",
        limit: int | None = None,
        marker: str = "",
    ) -> tuple[Sequence[ResourceView], str]:
        """Return a page of the resources of one stack with details, or the one of a name; and the next marker."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity)
            content = contents.read(tx, self.declared, stack, only=name)
        placed, following = _page(_each([content]), limit, marker)
        return [self._detailed(*one) for one in placed], following

    def find_physical(self, caller: Caller, physical_id: str) -> StackIdentity:
        """Return the identity of the resource that has the id at its provider.

        Raise PHYSICAL_RESOURCE_NOT_FOUND, or PHYSICAL_RESOURCE_AMBIGUOUS where several stacks of the caller have it.
        """
        with self.db.read() as tx:
            found = resources.by_physical_id(tx, physical_id) if physical_id else []
        own = [one for one in found if caller.project in (one[0].project, one[0].user_project_id)]
        if not own:
            text = f"The Resource ({physical_id}) could not be found."
            raise EngineError(Code.PHYSICAL_RESOURCE_NOT_FOUND, text, resource_id=physical_id)
        if len({stack.id for stack, _ in own}) > 1:
            text = f"Multiple resources were found with the physical ID ({physical_id})."
            raise EngineError(Code.PHYSICAL_RESOURCE_AMBIGUOUS, text, phys_id=physical_id)
        stack, row = own[0]
        return stack.identity.resource(row.name)

    def _detailed(self, target: Target, view: ResourceView, with_attr: Sequence[str] = ()) -> ResourceView:
        registry: Registry = self.declared.registry
        found = attributes.resolve(view, target, registry, self.ports_for, with_attr=with_attr)
        return replace(view, attributes=found, detailed=True)


def marker(view: ResourceView) -> str:
    """Return the marker after which a page begins with the next resource."""
    return f"{view.stack.id}/{view.record.name}"


_Placed = tuple[Target, ResourceView]  # a resource, and what its stack is declared to be


def _each(found: Sequence[Content]) -> list[_Placed]:
    return [(content.target, view) for content in found for view in content.views]


def _page(placed: Sequence[_Placed], limit: int | None, after: str) -> tuple[Sequence[_Placed], str]:
    """Return a page and the next marker; raise INVALID_ARGUMENT for a marker that is none: a loop would never end."""
    start = 0
    if after:
        start = next((index for index, (_, view) in enumerate(placed, 1) if marker(view) == after), 0)
        if not start:
            text = f'marker: "{after}" is no resource of this list any more; begin again without it'
            raise EngineError(Code.INVALID_ARGUMENT, text, field="marker")
    rest = placed[start:]
    if limit is None or limit >= len(rest):
        return rest, ""
    page = rest[:limit]
    return page, marker(page[-1][1]) if page else ""


def _is_wanted(view: ResourceView, type_contains: str, columns: Mapping[str, Sequence[object]]) -> bool:
    record = view.record
    shown = {
        "name": record.name,
        "action": record.action.value,
        "status": record.status.value,
        "id": record.id,
        "physical_resource_id": record.physical_id or "",
    }
    return type_contains in record.type and all(shown[name] in values for name, values in columns.items())


def _columns(filters: Mapping[str, Sequence[str]]) -> dict[str, Sequence[object]]:
    """Return what to compare; `ACTION_STATUS` is split as it is for stacks (rpc.md §4.2)."""
    states: dict[str, Sequence[object]] = {**stack_filters.translate(filters)}
    if physical := filters.get("physical_resource_id"):
        states["physical_resource_id"] = physical
    return states
