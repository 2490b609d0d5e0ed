"""A small model of one stack: what is declared, what its states allow, and what its own events tell. Pure.

It knows nothing of walks. Which call is refused stands here a second time, in the words of the specification (rpc.md
§1.5, engine.md §2.2 and §2.6), so that the engine's own tables are held against something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from engine.model import states
from engine.model.errors import Code
from engine.model.records import EventRecord
from engine.model.states import Action, State, Status
from kit.engine_room import hot

NAMES = "abcd"
INSIDE = "xy"  # names of what is in a nested stack
PARAMETER = "p"

_VALUE, _FIXED = {"get_param": "value"}, {"get_param": "fixed"}
_X = {"value": _VALUE}
_Y = {"fixed": _FIXED, "value": {"get_resource": "x"}}
_INNER: Sequence[Mapping[str, Any]] = ({"x": _X}, {"x": _X, "y": _Y}, {"x": {**_X, "fixed": "2"}, "y": _Y})

Resources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a caller gives: things and nested stacks in an order in which each refers to earlier ones only."""

    resources: Resources = field(default_factory=dict)
    inside: int = 0  # which of three templates the nested stacks have
    parameter: str = "1"

    def given(self) -> dict[str, Any]:
        """Return the keywords of a create or an update to this."""
        parameters = {PARAMETER: {"type": "string", "default": "0"}}
        return {
            "template": hot(self.resources, parameters=parameters),
            "files": {"inner.yaml": inner_template(self.inside)},
            "parameters": {PARAMETER: self.parameter},
        }

    def wanted(self, name: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the properties of a name come to; what refers to a name that is not `known` is left out."""
        given = {key: value for key, value in self.resources[name].items() if not key.startswith("_")}
        return _resolved(given, {PARAMETER: self.parameter}, known)


def inner_template(which: int) -> str:
    """Return the template of nested stacks; its parameters and its output are called as what a thing has."""
    parameters = {name: {"type": "string", "default": ""} for name in ("value", "fixed")}
    return hot(_INNER[which], parameters=parameters, outputs={"value": {"value": {"get_attr": ["x", "value"]}}})


def inner(which: int, values: Mapping[str, str]) -> Declared:
    """Return what is declared in a nested stack of these properties."""
    return Declared({name: _resolved(given, values, None) for name, given in _INNER[which].items()})


def tidied(declared: Declared) -> Declared:
    """Return it without what refers to a name that does not come earlier."""
    known: set[str] = set()
    tidy: dict[str, dict[str, Any]] = {}
    for name, given in declared.resources.items():
        after = [one for one in given.get("_depends_on", ()) if one in known]
        tidy[name] = {key: value for key, value in given.items() if not (_named(value) - known)}
        tidy[name]["_depends_on"] = after
        known.add(name)
    return replace(declared, resources=tidy)


Edit = tuple[str, ...]  # what is done, then to which name, then what it needs


def edited(declared: Declared, edits: Iterable[Edit]) -> Declared:
    """Return it with these edits, one after the other; one that makes no sense here changes nothing."""
    for edit in edits:
        declared = tidied(_edited(declared, edit))
    return declared


def _edited(declared: Declared, edit: Edit) -> Declared:
    resources = {name: dict(given) for name, given in declared.resources.items()}
    match edit:
        case "inside", which:
            return replace(declared, inside=int(which))
        case "parameter", value:
            return replace(declared, parameter=value)
        case "drop", name:
            resources.pop(name, None)
        case "rename", name, other if other not in resources:
            resources = {other if one == name else one: given for one, given in resources.items()}
        case "nest", name if name in resources:
            was = resources[name].pop("_type", None)
            resources[name] |= {} if was else {"_type": "inner.yaml"}
        case "set", name, key, value:
            resources.setdefault(name, {})[key] = {"get_param": value} if value == PARAMETER else value
        case "refer", name, key, other if name in resources:
            resources[name][key] = {"get_resource": other} if key == "fixed" else {"get_attr": [other, "value"]}
        case "depend", name, other if name in resources:
            resources[name]["_depends_on"] = [*resources[name].get("_depends_on", ()), other]
    return replace(declared, resources=resources)


@dataclass(frozen=True, slots=True)
class Asked:
    """An action that was asked for and accepted."""

    action: Action
    declared: Declared | None = None  # of creates and updates
    rolls_back: bool = False  # if it fails
    skip: frozenset[str] = frozenset()  # of a rollback


@dataclass(frozen=True, slots=True)
class Known:
    """Where a stack stands by its own events."""

    state: State
    asked: Asked  # what leads it there
    requested: Declared  # what the last create or update led to, or a rollback back to
    complete: Declared | None = None  # the last that was COMPLETE; None: none was
    is_whole: bool = False  # what is complete is there: nothing else was begun and broken off since

    @property
    def is_under_way(self) -> bool:
        """Return whether the stack is IN_PROGRESS."""
        return self.state.status is Status.IN_PROGRESS


def told(asked: Iterable[Asked], events: Sequence[EventRecord]) -> Known:
    """Return what a stack's own events tell, given what was asked of it; assert that the one fits the other."""
    rest = iter(asked)
    first = next(rest)
    assert first.declared is not None
    known = Known(_state(events[0]), first, first.declared)

    assert str(known.state) == "CREATE_IN_PROGRESS"
    for before, event in pairwise(events):
        assert _state(event) in states.STACK[_state(before)].values(), f"{_state(before)} -> {_state(event)}"
        known = _after(known, before, event, rest)

    assert next(rest, None) is None, "what was asked for was never begun"
    return known


def refusal(call: str, state: State | None) -> Code | None:
    """Return why a stack in a state refuses a call; None: it does not. No state: there is no stack."""
    if state is None or str(state) == "DELETE_COMPLETE":
        return None if call == "create" else Code.STACK_NOT_FOUND
    if call == "create":
        return Code.STACK_EXISTS
    busy, wrong = Code.STACK_ACTION_IN_PROGRESS, Code.INVALID_STACK_STATE
    match call:
        case "update":
            return wrong if state.action in (Action.SUSPEND, Action.DELETE) else None
        case "suspend" | "resume" | "check":
            return busy if state.status is Status.IN_PROGRESS else None
        case "cancel with rollback":
            return None if str(state) == "UPDATE_IN_PROGRESS" else wrong
        case "cancel":
            return None if str(state) in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS") else wrong
        case "rollback":
            undone = {Action.CREATE, Action.UPDATE, Action.ADOPT, Action.RESTORE, Action.ROLLBACK}
            return None if state.status is Status.FAILED and state.action in undone else wrong
        case "delete":
            return None
    raise AssertionError(call)


def is_at_rest(events: Iterable[EventRecord]) -> bool:
    """Return whether nothing is under way in a tree of stacks, and all that has happened there has been heard of."""
    last: dict[tuple[str, str | None], EventRecord] = {}
    heard: dict[str, list[int]] = {}
    for event in events:
        key = (event.stack_id, event.resource_id)
        heard.setdefault(event.stack_id, []).append(event.sequence)
        if key not in last or last[key].sequence < event.sequence:
            last[key] = event
    is_all = all(len(numbers) == max(numbers) for numbers in heard.values())
    return is_all and bool(last) and all(event.status is not Status.IN_PROGRESS for event in last.values())


def _after(known: Known, before: EventRecord, event: EventRecord, rest: Any) -> Known:
    state = _state(event)
    if state.status is Status.IN_PROGRESS:
        is_own = state.action is Action.ROLLBACK and _rolls_back_by_itself(known, before)
        asked = Asked(Action.ROLLBACK) if is_own else next(rest, None)
        assert asked is not None, f"nobody asked for {state}"
        assert asked.action is state.action, f"{asked.action} was asked for, and it is {state}"
        performs = state.action in states.PERFORMED
        return replace(
            known,
            state=state,
            asked=asked,
            requested=asked.declared or known.requested,
            is_whole=known.is_whole and performs,
        )
    known = replace(known, state=state)
    if state.status is Status.FAILED:
        return known
    match state.action:
        case Action.ROLLBACK:
            is_whole = known.complete is not None and not known.asked.skip
            return replace(known, requested=known.complete or known.requested, is_whole=is_whole)
        case Action.CREATE | Action.UPDATE:
            return replace(known, complete=known.asked.declared, is_whole=True)
    return known


def _rolls_back_by_itself(known: Known, before: EventRecord) -> bool:
    is_failed = _state(before) in ((Action.CREATE, Status.FAILED), (Action.UPDATE, Status.FAILED))
    return is_failed and known.asked.rolls_back and not before.reason.endswith("cancelled")


def _state(event: EventRecord) -> State:
    return State(Action(event.action), event.status)


def _named(value: Any) -> set[str]:
    """Return the names that a property refers to."""
    if not isinstance(value, Mapping):
        return set()
    found = value.get("get_resource") or value.get("get_attr", [None])[0]
    return {found} if found else set()


def _resolved(
    given: Mapping[str, Any], parameters: Mapping[str, str], known: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Any]:
    """Return properties with the values of what they name; without `known` only the parameters are put in."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        match value:
            case {"get_param": name}:
                found[key] = parameters[name]
            case {"get_resource": name} if known is not None:
                if name in known:
                    found[key] = known[name]["reference"]
            case {"get_attr": [name, _]} if known is not None:
                if name in known:
                    found[key] = known[name]["value"]
            case _:
                found[key] = value
    return found
