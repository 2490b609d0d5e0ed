"""Stacks inside stacks, as the resource that stands for one asks for them: the port of `engine/plugin/ports.py`.

A nested stack is stored and walked like any other, under the name that its resource has at the provider; that name
holds the resource's id, so a create that is repeated after a crash finds the stack of the first. Rollback is the
root's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.model.errors import Code, EngineError, stack_not_found
from engine.model.ids import DefinitionId, StackId, TraversalId
from engine.model.records import Definition, Manner, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import export, reasons, standing
from engine.plugin.context import Context
from engine.plugin.ports import NestedRequest, NestedStack
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.runtime.traversals import Traversals
from engine.schema.properties import PropertyValues
from engine.store import events, resources, stacks, templates
from engine.store.database import Database, Tx
from engine.template import environment, registry
from engine.template import target as targets
from engine.template.target import Target
from engine.usecases import adoptions, limits, outputs
from engine.usecases.beginnings import Beginning
from engine.usecases.limits import Limits


@dataclass(frozen=True, slots=True)
class Nesting:
    """What every nested stack is made with."""

    db: Database
    declared: Declared
    traversals: Traversals
    logbook: Logbook
    new_id: Callable[[], str]
    limits: Limits

    def within(self, owner: StackRecord, resource: ResourceRecord, target: Target) -> NestedStacksOf:
        """Return the port for one resource of a stack that walks to a target."""
        return NestedStacksOf(self, owner, resource, target)


@dataclass(frozen=True, slots=True)
class NestedStacksOf:
    """The nested stacks of one resource; a `plugin.NestedStacks`."""

    tools: Nesting
    owner: StackRecord
    resource: ResourceRecord
    target: Target  # what the owner walks to

    def create(self, token: str, request: NestedRequest) -> NestedStack:
        """Store the nested stack and begin its walk; one that is there already is answered as it is."""
        tools, owner = self.tools, self.owner
        if owner.nested_depth + 1 > tools.limits.max_nested_stack_depth:
            text = f"stacks may be nested {tools.limits.max_nested_stack_depth} deep, this would be one more"
            raise EngineError(Code.REQUEST_LIMIT_EXCEEDED, text)
        definition = self._definition(request)
        adopted = None if request.adopted is None else export.adopted_of(request.adopted)
        stack = self._unborn(definition.id, Action.CREATE if adopted is None else Action.ADOPT)
        inner = tools.declared.check(stack, definition)
        definition = tools.declared.pinned(stack, definition, inner)
        stack = replace(stack, description=inner.template.description)

        def store(tx: Tx) -> StackRecord:
            limits.check_tree(tx, stack, len(inner.declarations), tools.limits.max_resources_per_stack)
            born = replace(stack, created_time=tx.now())
            templates.save(tx, definition)
            stacks.insert(tx, born)
            if adopted is not None:
                resources.insert(tx, adoptions.rows(born, inner, adopted, tools.new_id))
            events.append(tx, tools.logbook.of_stack(born))
            return born

        try:
            return _seen(tools.traversals.begin(store))
        except EngineError as error:
            found = self.find(token) if error.code is Code.STACK_EXISTS else None
            if found is None:
                raise
            return found

    def find(self, token: str) -> NestedStack | None:
        """Return the nested stack of this very resource, or None. The name holds the token."""
        with self.tools.db.read() as tx:
            stack = stacks.by_name(tx, self.owner.project, self._name())
        return _seen(stack) if stack is not None and stack.owner_id == self.owner.id else None

    def update(self, stack_id: str, token: str, request: NestedRequest) -> NestedStack:
        """Begin to bring the nested stack to what is asked; what is under way there is superseded."""
        definition = self._definition(request)
        (live, stored), declared = self._live(stack_id), self.tools.declared
        inner = declared.check(live, definition)
        with self.tools.db.read() as tx:
            limits.check_tree(tx, live, len(inner.declarations), self.tools.limits.max_resources_per_stack)
        if self.owner.action is not Action.ROLLBACK:  # which leads back to what was there
            limits.check_immutables(declared.parameters(live, stored), inner.parameters)
        definition = declared.pinned(live, definition, inner)
        manner = Manner(observe=self.owner.manner.observe, unattended=_is_unattended(self.owner))
        changed = partial(replace, description=inner.template.description, manner=manner)
        return self._begin(Beginning(StackId(stack_id), _updating(self.owner, live), definition, changed))

    def act(self, stack_id: str, token: str, action: Action) -> NestedStack:
        """Begin to suspend, resume, check or save the nested stack; one that is at it already is answered as it is."""
        live, _ = self._live(stack_id)
        is_rested = live.state in {(Action.SUSPEND, Status.COMPLETE), (Action.RESUME, Status.COMPLETE)}
        if live.action is action and (is_rested or live.status is Status.IN_PROGRESS):
            return _seen(live)
        return self._begin(Beginning(StackId(stack_id), action))

    def delete(self, stack_id: str, *, retain: bool = False) -> NestedStack | None:
        """Begin to delete the nested stack, with `retain` leaving alone what it built; None: it is gone already."""
        if self.get(stack_id) is None:
            return None
        changed = partial(replace, manner=Manner(retain=retain, unattended=_is_unattended(self.owner)))
        try:
            return self._begin(Beginning(StackId(stack_id), Action.DELETE, changed=changed))
        except EngineError as error:
            if error.code is Code.STACK_NOT_FOUND:
                return None
            raise

    def get(self, stack_id: str) -> NestedStack | None:
        """Return the nested stack; None: there is none, or it is deleted."""
        with self.tools.db.read() as tx:
            stack = self._mine(tx, stack_id)
            if stack is None:
                return None
            is_settled = stack.status is Status.COMPLETE and not _has_failures(tx, stack)
        return replace(_seen(stack), is_settled=is_settled)

    def output(self, stack_id: str, key: str) -> Any:
        """Return the value of an output; KeyError where there is none of that name."""
        with self.tools.db.read() as tx:
            stack = self._mine(tx, stack_id)
            if stack is None:
                raise KeyError(key)
            target = self.tools.declared.walked(tx, stack)
            rows = outputs.rows(tx, stack, target)
        views = outputs.resolved(target, rows)
        found = next((view for view in views if view.key == key), None)
        if found is None:
            raise KeyError(key)
        if found.error:
            raise EngineError(Code.INTERNAL, f"output {key} of stack {stack.name}: {found.error}")
        return found.value

    def inner(self, stack_id: str, resource: str, path: tuple[str | int, ...]) -> Any:
        """Return the reference id of an inner resource, or with a path one of its attributes."""
        tools = self.tools
        with tools.db.read() as tx:
            stack = self._mine(tx, stack_id)
            rows = resources.named(tx, StackId(stack_id), resource)
            walked = tools.declared.walked(tx, stack) if stack is not None else None
        row = standing.best(rows)
        if stack is None or walked is None or row is None:
            text = f"there is no resource {resource} in nested stack {stack_id}"
            raise EngineError(Code.RESOURCE_NOT_FOUND, text, resource_name=resource)
        if not path:
            return row.reference_id
        plugin = tools.declared.registry.get(row.implementation)
        ports = {"stacks": tools.within(stack, row, walked)}
        ctx = Context(stack, row, row.action, PropertyValues(row.properties), files=walked.files, ports=ports)
        return plugin.attribute(ctx, str(path[0]), path[1:])

    def _unborn(self, definition_id: DefinitionId, action: Action) -> StackRecord:
        """Return the stack as it will begin."""
        tools, owner = self.tools, self.owner
        return StackRecord(
            id=StackId(tools.new_id()),
            name=self._name(),
            project=owner.project,
            action=action,
            status=Status.IN_PROGRESS,
            reason=reasons.started(action),
            definition_id=definition_id,
            created_time=owner.created_time,
            traversal=TraversalId(tools.new_id()),
            timeout_mins=owner.timeout_mins,
            username=owner.username,
            user_project_id=owner.user_project_id,
            owner_id=owner.id,
            parent_resource=self.resource.name,
            root_id=owner.top_id,
            nested_depth=owner.nested_depth + 1,
        )

    def _name(self) -> str:
        ctx = Context(self.owner, self.resource, self.resource.action, PropertyValues({}))
        return ctx.physical_name()

    def _definition(self, request: NestedRequest) -> Definition:
        outer, types = self.target.environment, self.tools.declared.registry
        inner = environment.child_environment(
            outer,
            self.resource.name,
            self.resource.type,
            request.parameters,
            search=registry.search_of(outer, is_known=lambda name: types.find(name) is not None),
        )
        id_ = DefinitionId(self.tools.new_id())
        saved = self.target.restored.get(self.resource.name, {}).get("resources", {})
        return Definition(id_, request.template, self.target.files, inner.as_map(), self._facade(), saved)

    def _facade(self) -> dict[str, Any] | None:
        """Return what the template inside is told of this resource; None: it asks for nothing."""
        declaration = self.target.declarations.get(self.resource.name)
        if declaration is None or declaration.facade is None:
            return None
        told = targets.evaluate_facade(replace(declaration, metadata=None), targets.scope_of(self.target, {}))
        return None if told is None else replace(told, metadata=dict(self.resource.metadata)).as_map()

    def _live(self, stack_id: str) -> tuple[StackRecord, Definition]:
        with self.tools.db.read() as tx:
            stack = self._mine(tx, stack_id)
            if stack is None:
                raise stack_not_found(stack_id)
            return stack, templates.load(tx, stack.definition_id)

    def _mine(self, tx: Tx, stack_id: str) -> StackRecord | None:
        """Return a nested stack of the owner; None: it is gone, or somebody else's."""
        stack = stacks.get(tx, StackId(stack_id))
        return stack if stack is not None and stack.owner_id == self.owner.id else None

    def _begin(self, beginning: Beginning) -> NestedStack:
        logbook = self.tools.logbook
        return _seen(self.tools.traversals.begin(lambda tx: beginning.store(tx, logbook)))


def _is_unattended(owner: StackRecord) -> bool:
    """Return whether a stack rolls back, or is part of a rollback."""
    return owner.action is Action.ROLLBACK or owner.manner.unattended


def _updating(owner: StackRecord, live: StackRecord) -> Action:
    """Return by which action a nested stack is brought to something else: one at rest only by a restore."""
    may_restore = owner.action in (Action.RESTORE, Action.ROLLBACK) and live.status is not Status.IN_PROGRESS
    return Action.RESTORE if may_restore and live.action in (Action.SUSPEND, Action.DELETE) else Action.UPDATE


def _has_failures(tx: Tx, stack: StackRecord) -> bool:
    """Return whether something failed in a nested stack, or further down; usually nothing did in the whole tree."""
    failed = resources.failed_in_tree(tx, stack.top_id)
    return bool(failed) and not failed.isdisjoint({stack.id, *stacks.inside(tx, stack)})


def _seen(stack: StackRecord) -> NestedStack:
    return NestedStack(stack.id, stack.state, stack.reason, stack.identity.arn())
