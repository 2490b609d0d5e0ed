"""Where committed events leave the engine: to the operator's notifiers, and to the sinks that stacks name themselves.

The bus only notes events down. One thread takes them from there in the order of each stack, looks up what a stack's
environment says of sinks, and hands each event to the lane of every taker; a lane has a thread of its own, so a taker
that hangs holds up neither a walk nor another taker. An event comes at most once: what an engine has not handed over
when it is killed, nobody does, and of two engines that work on one stack each tells what it has committed itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from engine.model.errors import Code, EngineError, stack_not_found
from engine.model.ids import StackId
from engine.model.records import STACK_TYPE, EventRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import event_sink, notifier
from engine.plugin.event_sink import EventSink
from engine.plugin.notifier import Notification, Notifier
from engine.plugin.registry import Registry
from engine.runtime.bus import Bus
from engine.runtime.clock import Clock, SystemClock
from engine.runtime.kept import Kept
from engine.runtime.lane import Lane
from engine.runtime.sequences import Sequences, Turn
from engine.store import stacks, templates
from engine.store.database import Database, Tx

T = TypeVar("T")

log = logging.getLogger(__name__)

_STACKS: Final = 10_000  # whose sinks are remembered; one with sinks counts as more
_STOP: Final = 5.0  # seconds for what is under way when the engine stops
_PASSING: Final = frozenset({Code.DATABASE_UNAVAILABLE, Code.CONCURRENT_TRANSACTION})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long outlets wait, and how much may wait for them."""

    patience: float = 1.0  # seconds until an event goes before one that should have come first
    retry: float = 1.0  # seconds until a database that is away is asked again
    room: int = 10_000  # events that wait, for all stacks to be looked up and then for each taker


class _Sink:
    """A sink that a stack's environment names. Made when its first event comes, on the thread of its type."""

    def __init__(self, registry: Registry, given: Mapping[str, Any]) -> None:
        self.type_name: str = given["type"]
        self._registry = registry
        self._given = given
        self._made: EventSink | None = None

    def consume(self, event: EventRecord) -> None:
        if self._made is None:
            self._made = self._registry.sink(self._given)
        self._made.consume(event_sink.as_message(event))


class Outlets:
    """Hands committed events to notifiers and sinks."""

    def __init__(
        self,
        db: Database,
        registry: Registry,
        notifiers: Mapping[str, Notifier],
        *,
        clock: Clock | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        """Make the outlets; nothing is handed over before `start`."""
        self._db = db
        self._registry = registry
        self._types = frozenset(registry.sinks())
        self._clock = clock or SystemClock()
        self._bounds = bounds or Bounds()
        self._sequences = Sequences(self._bounds.patience)
        self._sinks: Kept[StackId, tuple[_Sink, ...]] = Kept(_STACKS, lambda sinks: 1 + len(sinks))
        self._gone = threading.Event()  # set: the engine stops, and does not wait for the database any more
        self._arrivals: Lane[EventRecord] = Lane("outlets", self._arrived, look=self._overdue, room=self._bounds.room)
        self._notified: list[Lane[Notification]] = [
            Lane(f"the notifier {name}", partial(_notify, one), room=self._bounds.room)
            for name, one in notifiers.items()
        ]
        self._consumed: dict[str, Lane[tuple[_Sink, EventRecord]]] = {}  # by type of sink; made when one is used

    def start(self, bus: Bus) -> None:
        """Start the threads and hand over every event of the bus from now on. Call it before the loop runs."""
        for lane in self._notified:
            lane.start()
        self._arrivals.start()
        bus.subscribe(None, self.note)

    def note(self, events: Sequence[EventRecord]) -> None:
        """Note committed events down."""
        self._arrivals.add(events)

    def stop(self, seconds: float = _STOP) -> None:
        """Hand over what was noted down, then end the threads; what takes longer than so many seconds is lost."""
        until = self._clock.monotonic() + seconds
        self._arrivals.close()
        arrived = self._arrivals.join(seconds / 2)
        self._gone.set()
        if arrived:
            self._hand_over(self._sequences.rest())
        lanes: list[Lane[Any]] = [*self._notified, *self._consumed.values()]
        for lane in lanes:
            lane.close()
        for lane in lanes:
            lane.join(until - self._clock.monotonic())

    def _arrived(self, event: EventRecord) -> None:
        self._hand_over(self._sequences.arrived(event, self._clock.monotonic()))

    def _overdue(self) -> float | None:
        """Hand over what has waited long enough; return in how many seconds to look again."""
        if self._sequences.due() is None:
            return None
        self._hand_over(self._sequences.overdue(self._clock.monotonic()))
        due = self._sequences.due()
        return None if due is None else max(0.0, due - self._clock.monotonic())

    def _hand_over(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            try:
                self._hand_one_over(turn)
            except Exception:
                log.exception("event %s of stack %s could not be handed over", turn.event.id, turn.event.stack_id)

    def _hand_one_over(self, turn: Turn) -> None:
        """Hand an event to who takes it. Sinks are those of the environment as it is when the stack's action is told.

        They are read again where something of the stack was missed: another engine may have begun an action.
        """
        event, stack = turn.event, None
        is_of_stack = event.resource_type == STACK_TYPE and event.resource_id is None
        begins = is_of_stack and event.status is Status.IN_PROGRESS
        sinks = self._sinks.get(event.stack_id) if turn.follows and not begins else None
        if sinks is None:
            stack, given = self._read(lambda tx: _with_sinks(tx, event.stack_id))
            sinks = self._sinks.put(event.stack_id, self._named(event.stack_id, given))
        elif is_of_stack and self._notified:
            stack = self._read(lambda tx: _stack(tx, event.stack_id))
        if is_of_stack and stack is not None:
            for lane in self._notified:
                lane.add([notifier.notification(stack, event)])
        for sink in sinks:
            self._lane(sink.type_name).add([(sink, event)])
        if is_of_stack and (event.action, event.status) == (Action.DELETE, Status.COMPLETE):
            self._sinks.drop(event.stack_id)

    def _named(self, stack_id: StackId, given: Iterable[Mapping[str, Any]]) -> tuple[_Sink, ...]:
        named = tuple(_Sink(self._registry, one) for one in given)
        for one in named:
            if one.type_name not in self._types:
                log.error("stack %s: there is no event sink %s any more", stack_id, one.type_name)
        return tuple(one for one in named if one.type_name in self._types)

    def _lane(self, type_name: str) -> Lane[tuple[_Sink, EventRecord]]:
        lane = self._consumed.get(type_name)
        if lane is None:
            lane = self._consumed[type_name] = Lane(f"the sink {type_name}", _consume, room=self._bounds.room)
            lane.start()
        return lane

    def _read(self, read: Callable[[Tx], T]) -> T:
        """Return what is read. A database that is away is waited for: no event is committed meanwhile."""
        while True:
            try:
                return self._once(read)
            except EngineError as error:
                if error.code not in _PASSING or self._gone.is_set():
                    raise
                log.warning("events are not handed over for now: %s", error)
            self._gone.wait(self._bounds.retry)

    def _once(self, read: Callable[[Tx], T]) -> T:
        with self._db.read() as tx:
            return read(tx)


def _stack(tx: Tx, stack_id: StackId) -> StackRecord:
    stack = stacks.get(tx, stack_id, show_deleted=True)
    if stack is None:  # purged already
        raise stack_not_found(stack_id)
    return stack


def _with_sinks(tx: Tx, stack_id: StackId) -> tuple[StackRecord, Sequence[Mapping[str, Any]]]:
    """Return a stack, and what its environment says of sinks: that which its last action leads to, or led away from."""
    stack = _stack(tx, stack_id)
    found = templates.environment(tx, stack.target_id or stack.definition_id)
    return stack, found.get("event_sinks", ())


def _notify(notifier_: Notifier, told: Notification) -> None:
    notifier_.notify(told.event_type, told.body, is_error=told.is_error)


def _consume(given: tuple[_Sink, EventRecord]) -> None:
    sink, event = given
    sink.consume(event)
