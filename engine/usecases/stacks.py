"""Stacks: create, update, delete, preview, show, list (rpc.md §3.1 to §3.4).

What is asked is checked in full before anything is stored; then one transaction stores the definition, the stack's new
state, its event, the lock and the answer, and the walk begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from engine.model.errors import Code, EngineError
from engine.model.ids import NO_STACK, StackId, StackIdentity, TraversalId
from engine.model.records import Caller, Definition, Json, Manner, StackRecord
from engine.model.states import Action, Status
from engine.plan import reasons
from engine.plan.export import Adopted
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.runtime.traversals import Traversals
from engine.store import events, resources, stacks, templates
from engine.store.database import Database, Tx
from engine.store.stacks import StackQuery
from engine.template.target import Target
from engine.usecases import access, adoptions, built, limits, outputs, previews, stack_filters
from engine.usecases.beginnings import Beginning, begin
from engine.usecases.commands import CreateStack, Options, UpdateStack
from engine.usecases.definitions import Definitions
from engine.usecases.limits import Limits
from engine.usecases.once import Once
from engine.usecases.services import ADMIN
from engine.usecases.views import StackView, UpdatePreview


@dataclass(frozen=True, slots=True)
class ListStacks:
    """Which stacks a caller wants to see, in the caller's own words (rpc.md §3.1)."""

    limit: int | None = None
    marker: str = ""
    sort_keys: Sequence[str] = ()
    sort_dir: str = ""
    filters: Mapping[str, Sequence[object]] = field(default_factory=dict)
    show_deleted: bool = False
    show_nested: bool = False
    show_hidden: bool = False
    tags: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    not_tags: Sequence[str] = ()
    not_tags_any: Sequence[str] = ()
    all_projects: bool = False  # for administrators


@dataclass(frozen=True, slots=True)
class _New:
    """A stack that is to be, with what belongs to it."""

    stack: StackRecord
    definition: Definition
    target: Target
    adopted: Adopted | None  # what it takes over; None: it builds everything


@dataclass(frozen=True, slots=True)
class Stacks:
    """The use cases of stacks."""

    db: Database
    declared: Declared
    traversals: Traversals
    definitions: Definitions
    logbook: Logbook
    new_id: Callable[[], str]
    limits: Limits
    hidden_tags: Sequence[str] = ()

    def create(self, caller: Caller, command: CreateStack) -> StackIdentity:
        """Store a new stack and begin its walk; return its identity."""
        once = Once.of(caller, "CreateStack", command, command.request_id)

        def work() -> Json:
            new = self._new_stack(caller, command, StackId(self.new_id()))
            store = partial(self._store_new, caller=caller, new=new)
            return _answer(self.traversals.begin(once.kept(store, _answer)))

        return StackIdentity(**once.answer(self.db, work))

    def update(self, caller: Caller, command: UpdateStack) -> StackIdentity:
        """Bring a stack to another definition; a walk that is under way is superseded."""
        once = Once.of(caller, "UpdateStack", command, command.request_id)

        def work() -> Json:
            with self.db.read() as tx:
                stack = access.resolve(tx, caller, command.identity)
                stored = templates.load(tx, stack.definition_id)
            _check_can_update(stack)
            definition = self._changed_definition(stored, command)
            target = self._checked_target(stack, definition)
            limits.check_immutables(self.declared.parameters(stack, stored), target.parameters)
            definition = self.declared.pinned(stack, definition, target)
            description = _description(target)
            changed = partial(_with_options, command=command, description=description)
            return self._begin(Beginning(stack.id, Action.UPDATE, definition, changed), once)

        return StackIdentity(**once.answer(self.db, work))

    def delete(self, caller: Caller, identity: StackIdentity, request_id: str = "") -> None:
        """Begin to delete a stack, whatever is under way on it."""
        once = Once.of(caller, "DeleteStack", identity, request_id)

        def work() -> Json:
            with self.db.read() as tx:
                stack = access.resolve(tx, caller, identity)
            return self._begin(Beginning(stack.id, Action.DELETE), once)

        once.answer(self.db, work)

    def preview(self, caller: Caller, command: CreateStack) -> StackView:
        """Return what a create would make, with every check of a create, and store nothing."""
        new = self._new_stack(caller, command, NO_STACK)
        with self.db.read() as tx:
            if stacks.by_name(tx, caller.project, command.name) is not None:
                text = f"The Stack ({command.name}) already exists."
                raise EngineError(Code.STACK_EXISTS, text, stack_name=command.name)
            limits.check_stacks(tx, caller, self.limits.max_stacks_per_tenant)
        return previews.of_create(new.stack, new.target, self.declared.registry)

    def preview_update(self, caller: Caller, command: UpdateStack) -> UpdatePreview:
        """Return what an update would do to each resource, and do nothing."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, command.identity)
            stored = templates.load(tx, stack.definition_id)
            made = built.read(tx, self.declared, stack)
        definition = self._changed_definition(stored, command)
        target = self._checked_target(stack, definition)
        limits.check_immutables(self.declared.parameters(stack, stored), target.parameters)
        find = partial(built.find, self.db, self.declared) if command.show_nested else None
        return previews.of_update(made(), target, self.declared.registry, find_nested=find)

    def show(
        self, caller: Caller, identity: StackIdentity | None, *, resolve_outputs: bool = True, page: ListStacks
    ) -> tuple[list[StackView], str]:
        """Return one stack, deleted ones too; or without an identity the caller's live root stacks, a page of them."""
        with self.db.read() as tx:
            if identity is not None:
                found, marker = [access.resolve(tx, caller, identity, show_deleted=True)], ""
            else:
                found, marker = _page(tx, _query(caller, page, self.hidden_tags))
            views = [self._view(tx, stack, resolve_outputs) for stack in found]
        return [view() for view in views], marker

    def identify(self, caller: Caller, name: str) -> StackIdentity:
        """Return the full identity of a live stack by name, or of any by id."""
        with self.db.read() as tx:
            return access.by_name_or_id(tx, caller, name, show_deleted=True).identity

    def list(self, caller: Caller, wanted: ListStacks) -> tuple[list[StackRecord], str]:
        """Return a page of the caller's stacks, and the marker of the next page; "": there is none."""
        with self.db.read() as tx:
            return _page(tx, _query(caller, wanted, self.hidden_tags))

    def count(self, caller: Caller, wanted: ListStacks) -> int:
        """Return how many stacks all pages of such a list show together."""
        with self.db.read() as tx:
            return stacks.count(tx, _query(caller, wanted, self.hidden_tags))

    def _new_stack(self, caller: Caller, command: CreateStack, id_: StackId) -> _New:
        """Return the stack with all that belongs to it, checked in every way but against other stacks."""
        limits.check_name(command.name)
        limits.check_options(command.options)
        adopted, given = adoptions.given(command, self.limits), command.given
        definition = self.definitions.of(given) if adopted is None else self.definitions.around(adopted, given)
        action, options = Action.CREATE if adopted is None else Action.ADOPT, command.options
        stack = StackRecord(
            id=id_,
            name=command.name,
            project=caller.project,
            action=action,
            status=Status.IN_PROGRESS,
            reason=reasons.started(action),
            definition_id=definition.id,
            created_time=datetime.now(UTC),
            traversal=TraversalId(self.new_id()),
            disable_rollback=True if options.disable_rollback is None else options.disable_rollback,
            timeout_mins=options.timeout_mins or None,
            tags=tuple(options.tags or ()),
            username=caller.user,
        )
        target = self._checked_target(stack, definition)
        pinned = self.declared.pinned(stack, definition, target)
        return _New(replace(stack, description=_description(target)), pinned, target, adopted)

    def _checked_target(self, stack: StackRecord, definition: Definition) -> Target:
        """Return the target, valid and within the limit of resources."""
        target = self.declared.check(stack, definition)
        most = self.limits.max_resources_per_stack
        limits.check_count(len(target.declarations), most, "resources in one stack")
        return target

    def _store_new(self, tx: Tx, caller: Caller, new: _New) -> StackRecord:
        stack = replace(new.stack, created_time=tx.now())
        limits.check_stacks(tx, caller, self.limits.max_stacks_per_tenant)
        templates.save(tx, new.definition)
        stacks.insert(tx, stack)
        if new.adopted is not None:
            resources.insert(tx, adoptions.rows(stack, new.target, new.adopted, self.new_id))
        events.append(tx, self.logbook.of_stack(stack))
        return stack

    def _changed_definition(self, stored: Definition, command: UpdateStack) -> Definition:
        limits.check_options(command.options)
        if command.existing:
            changed = self.definitions.upon(stored, command.given, command.clear_parameters)
        elif command.clear_parameters:
            text = "clear_parameters goes with existing: an update without it keeps no parameter that is not given"
            raise EngineError(Code.INVALID_ARGUMENT, text, field="clear_parameters")
        else:
            changed = self.definitions.of(command.given)
        return replace(changed, facade=stored.facade)  # a nested one still stands for the same resource

    def _begin(self, beginning: Beginning, once: Once) -> Json:
        """Store that an action begins, and walk; return what the caller is answered."""
        store = partial(beginning.store, logbook=self.logbook)
        return _answer(self.traversals.begin(once.kept(store, _answer)))

    def _view(self, tx: Tx, stack: StackRecord, resolve_outputs: bool) -> Callable[[], StackView]:
        """Read all that a view is made of; what is returned makes it, when no transaction is open any more."""
        shown = partial(StackView, stack, parameters=self.declared.stored(tx, stack).parameters.shown())
        if not resolve_outputs or stack.deleted_time is not None:
            return shown
        walked = self.declared.walked(tx, stack)
        rows = outputs.rows(tx, stack, walked)
        return lambda: shown(outputs=outputs.resolved(walked, rows))


def _check_can_update(stack: StackRecord) -> None:
    """Raise INVALID_STACK_STATE early, before a definition is checked that could not be used."""
    begin(stack, Action.UPDATE, traversal=stack.traversal, now=stack.created_time)


def _query(caller: Caller, wanted: ListStacks, hidden_tags: Sequence[str]) -> StackQuery:
    """Return what the store is to be asked; raise FORBIDDEN for all projects to other than administrators."""
    if wanted.all_projects and ADMIN not in caller.roles:
        text = "You are not authorized to see the stacks of all projects: the role admin is needed."
        raise EngineError(Code.FORBIDDEN, text)
    return StackQuery(
        project=None if wanted.all_projects else caller.project,
        limit=wanted.limit,
        marker=wanted.marker or None,
        sort_keys=wanted.sort_keys,
        sort_dir=wanted.sort_dir or None,
        filters=stack_filters.translate(wanted.filters),
        show_deleted=wanted.show_deleted,
        show_nested=wanted.show_nested,
        show_hidden=wanted.show_hidden,
        hidden_tags=hidden_tags,
        tags=wanted.tags,
        tags_any=wanted.tags_any,
        not_tags=wanted.not_tags,
        not_tags_any=wanted.not_tags_any,
    )


def _page(tx: Tx, query: StackQuery) -> tuple[list[StackRecord], str]:
    """Return a page and the marker of the next one; one stack more than asked tells whether there is one."""
    if not query.limit:
        return stacks.page(tx, query), ""
    found = stacks.page(tx, replace(query, limit=query.limit + 1))
    page = found[: query.limit]
    return page, page[-1].id if len(found) > len(page) else ""


def _with_options(stack: StackRecord, command: UpdateStack, description: str) -> StackRecord:
    """Return the stack with the options of an update; without `existing`, tags that are not given are cleared."""
    options: Options = command.options
    tags = options.tags if options.tags is not None else (stack.tags if command.existing else ())
    rollback = options.disable_rollback
    observe = stack.manner.observe if command.converge is None else command.converge
    return replace(
        stack,
        timeout_mins=stack.timeout_mins if options.timeout_mins is None else (options.timeout_mins or None),
        disable_rollback=stack.disable_rollback if rollback is None else rollback,
        tags=tuple(tags),
        description=description,
        manner=Manner(observe=observe),
    )


def _description(target: Target) -> str:
    return target.template.description


def _answer(stack: StackRecord) -> dict[str, str]:
    return {"tenant": stack.project, "stack_name": stack.name, "stack_id": stack.id}
