"""Events: what has happened, listed, and followed as it happens (rpc.md §2.3, §3.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from engine.model.errors import Code, EngineError
from engine.model.ids import EventId, StackId, StackIdentity
from engine.model.records import Caller, EventRecord, StackRecord
from engine.runtime.streams import Watched
from engine.store import events, stacks
from engine.store.database import Database, Tx
from engine.store.events import EventQuery
from engine.usecases import access

MOST_AT_ONCE: Final = 1_000  # events in one page, however many were asked for


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Which events a caller wants to see."""

    identity: StackIdentity | None = None  # None: those of all live stacks of the caller's project
    nested_depth: int = 0  # levels of nested stacks below
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)  # those of store.events.FILTERS
    limit: int | None = None  # None: as many as go into a page
    marker: str = ""
    sort_keys: Sequence[str] = ()
    sort_dir: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvents:
    """Which events a caller wants to follow."""

    identity: StackIdentity | None = None  # None: those of all stacks of the caller's project
    nested_depth: int = 0
    after_event_id: str = ""  # the last event seen; "": none
    only_new: bool = False  # without an event seen: what has happened so far is not wanted


@dataclass(frozen=True, slots=True)
class EventView:
    """An event, and what stands beside it."""

    event: EventRecord
    root: StackIdentity | None = None  # None: not asked for
    with_properties: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """What a stream delivers."""

    watched: Watched
    root: StackIdentity | None  # what each event carries as its root; None: nothing

    def view(self, event: EventRecord) -> EventView:
        """Return an event of the stream as it is shown."""
        return EventView(event, self.root)


@dataclass(frozen=True, slots=True)
class Events:
    """The use cases of events."""

    db: Database

    def list(self, caller: Caller, wanted: ListEvents) -> tuple[Sequence[EventView], str]:
        """Return a page of events, those of deleted stacks too if one is named; and the marker of the next page."""
        _check_depth(wanted.nested_depth)
        limit = MOST_AT_ONCE if wanted.limit is None else min(wanted.limit, MOST_AT_ONCE)
        query = EventQuery(
            filters=wanted.filters,
            limit=limit + 1 if limit else 0,  # one more tells whether there is another page
            marker=wanted.marker or None,
            sort_keys=wanted.sort_keys,
            sort_dir=wanted.sort_dir or None,
        )
        with self.db.read() as tx:
            found, root = _found(tx, caller, wanted, query)
        page = found[:limit]
        has_properties = bool(wanted.filters.get("uuid"))
        views = [EventView(event, root, has_properties) for event in page]
        return views, page[-1].id if len(found) > limit and page else ""

    def watch(self, caller: Caller, wanted: WatchEvents) -> Watch:
        """Return what a stream delivers; raise EVENT_NOT_FOUND if the last event seen is none of these stacks'."""
        _check_depth(wanted.nested_depth)
        with self.db.read() as tx:
            watch = self._watch(tx, caller, wanted)
            head = events.head(tx)
            last = events.get(tx, EventId(wanted.after_event_id)) if wanted.after_event_id else None
        if not wanted.after_event_id:
            return replace(watch, watched=replace(watch.watched, after=head)) if wanted.only_new else watch
        if last is None or not watch.watched.includes(last):
            text = (
                f"The Event ({wanted.after_event_id}) could not be found; read the state anew and watch with only_new."
            )
            raise EngineError(Code.EVENT_NOT_FOUND, text, event_id=wanted.after_event_id)
        return replace(watch, watched=replace(watch.watched, after=last.position))

    def _watch(self, tx: Tx, caller: Caller, wanted: WatchEvents) -> Watch:
        if wanted.identity is None:
            project = caller.project
            return Watch(Watched(None, lambda event: event.project == project, 0), None)
        stack = access.resolve(tx, caller, wanted.identity, show_deleted=True)
        if not wanted.nested_depth:
            return Watch(Watched(stack.top_id, lambda event: event.stack_id == stack.id, 0), None)
        subtree = _Subtree(self.db, stack, wanted.nested_depth)
        return Watch(Watched(stack.top_id, subtree.includes, 0), _root(tx, stack))


class _Subtree:
    """Which events of a tree happen in a stack or at most so many levels below it.

    An event does not tell how deep its stack lies; that is looked up once for each stack. Used by one stream, which
    asks from one thread at a time.
    """

    def __init__(self, db: Database, top: StackRecord, depth: int) -> None:
        self._db = db
        self._top = top
        self._deepest = top.nested_depth + depth
        self._known: dict[StackId, bool] = {top.id: True}

    def includes(self, event: EventRecord) -> bool:
        if event.stack_id not in self._known:
            with self._db.read() as tx:
                stack = stacks.get(tx, event.stack_id, show_deleted=True)
                self._known[event.stack_id] = stack is not None and _is_below(tx, stack, self._top, self._deepest)
        return self._known[event.stack_id]


def _found(
    tx: Tx, caller: Caller, wanted: ListEvents, query: EventQuery
) -> tuple[Sequence[EventRecord], StackIdentity | None]:
    """Return the events of the page, and what each carries as its root."""
    if wanted.identity is None:
        return events.page(tx, replace(query, project=caller.project)), None
    stack = access.resolve(tx, caller, wanted.identity, show_deleted=True)
    if not wanted.nested_depth:
        return events.page(tx, replace(query, stack_id=stack.id)), None
    root = _root(tx, stack)
    query = replace(query, root_id=stack.top_id, max_depth=stack.nested_depth + wanted.nested_depth)
    if stack.owner_id is None:
        return events.page(tx, query), root
    return _of_branch(tx, stack, query), root


def _of_branch(tx: Tx, top: StackRecord, query: EventQuery) -> Sequence[EventRecord]:
    """Return a page of the events of a stack that is itself nested: what lies beside it in its tree is left out."""
    deepest = query.max_depth or 0
    inside = {one.id for one in stacks.tree(tx, top.top_id) if _is_below(tx, one, top, deepest)}
    found: list[EventRecord] = []
    while query.limit is not None and len(found) < query.limit:
        page = events.page(tx, query)
        found += (event for event in page if event.stack_id in inside)
        if len(page) < query.limit:
            break
        query = replace(query, marker=page[-1].id)
    return found


def _is_below(tx: Tx, stack: StackRecord, top: StackRecord, deepest: int) -> bool:
    """Return whether the stack is `top`, or nested in it and not too deep."""
    above: StackRecord | None = stack
    while above is not None and above.nested_depth > top.nested_depth:
        above = stacks.get(tx, above.owner_id, show_deleted=True) if above.owner_id else None
    return above is not None and above.id == top.id and stack.nested_depth <= deepest


def _root(tx: Tx, stack: StackRecord) -> StackIdentity:
    """Return the identity of the outermost stack."""
    root = stack if stack.root_id is None else stacks.get(tx, stack.root_id, show_deleted=True)
    return (root or stack).identity


def _check_depth(depth: int) -> None:
    if depth < 0:
        raise EngineError(Code.INVALID_ARGUMENT, f"nested_depth: {depth} is negative", field="nested_depth")
