"""What a caller tells a resource: that it may go on from a hook, that it is unhealthy, or what it does not take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from engine import resources as built_in
from engine.model.errors import Code, EngineError
from engine.model.ids import DefinitionId, EngineId, StackId, TraversalId
from engine.model.records import Caller, Definition, EventRecord, Hook, Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import registry as registries
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.store import events, locks, stacks, templates, walks
from engine.store.database import Database
from engine.store.locks import LOCK
from engine.template.source import Limits
from engine.usecases.signals import MarkUnhealthy, SignalResource, Signals
from kit import stored

ME = Caller("p")
GATES = """heat_template_version: 2021-04-16
resources:
  gate: {type: OS::Heat::None}
  later: {type: OS::Heat::None, depends_on: gate}
"""
BUILT = {"action": Action.CREATE, "status": Status.COMPLETE}
WAITS = {"action": Action.INIT, "status": Status.COMPLETE, "reason": "", "hook": Hook("pre-create", stored.WALK)}
HERE = EngineId("here")
REGISTRY = registries.discover(built_in)


@dataclass
class World:
    """The use cases on a real database, and what they did."""

    db: Database
    woken: list[tuple[StackId, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        declared = Declared(REGISTRY, Limits())
        logbook = Logbook(stored.new_id, lambda: stored.START)
        self.use = Signals(self.db, declared, logbook, HERE, lambda stack, name: self.woken.append((stack.id, name)))

    def stack(self, *rows: Mapping[str, Any], is_walked: bool = True, **changes: Any) -> StackRecord:
        """Return a stored stack with rows of the name gate unless they say another, walked by another engine or not."""
        definition = Definition(DefinitionId(stored.new_id()), GATES)
        with self.db.write() as tx:
            templates.save(tx, definition)
            state = {"status": Status.IN_PROGRESS if is_walked else Status.COMPLETE}
            stack, lock = stored.walked(tx, **{**state, "definition_id": definition.id, **changes})
            records = [stored.resource(stack, **{"name": "gate", "type": "OS::Heat::None", **row}) for row in rows]
            assert all(walks.apply(tx, [walks.Step(lock, stack.traversal, record) for record in records]))
            if not is_walked:
                locks.release(tx, lock)
        return stack

    def signal(self, stack: StackRecord, details: Any = None, name: str = "gate", **more: Any) -> Any:
        return self.use.signal(ME, SignalResource(stack.identity, name, details, **more))

    def unset(self, stack: StackRecord, hook: Any, **more: Any) -> Any:
        return self.signal(stack, {"unset_hook": hook}, **more)

    def mark(self, stack: StackRecord, name: str = "gate", unhealthy: bool | None = True, **more: Any) -> None:
        self.use.mark_unhealthy(ME, MarkUnhealthy(stack.identity, name, unhealthy, **more))

    def rows(self, stack: StackRecord) -> list[ResourceRecord]:
        return stored.stored(self.db, stack)

    def row(self, stack: StackRecord) -> ResourceRecord:
        (row,) = self.rows(stack)
        return row

    def history(self, stack: StackRecord) -> list[EventRecord]:
        with self.db.read() as tx:
            return events.after(tx, position=0, limit=100, stack_ids=[stack.id])

    def told(self, stack: StackRecord) -> list[str]:
        return [f"{one.resource_name} {one.action}_{one.status}: {one.reason}" for one in self.history(stack)]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def refusal(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


# Hooks


def test_a_resource_is_let_go_on_beside_the_engine_that_walks(world: World) -> None:
    stack = world.stack(WAITS)

    assert world.unset(stack, "pre-create") is None
    assert world.row(stack).hook == Hook("pre-create", stored.WALK, is_cleared=True)
    assert world.told(stack) == ["gate INIT_COMPLETE: Hook pre-create is cleared"]
    assert world.woken == [(stack.id, "gate")]
    with world.db.read() as tx:
        assert locks.holder(tx, stack.id) == stored.ENGINE


@pytest.mark.parametrize(
    ("point", "action", "status"),
    [
        pytest.param("post-create", Action.CREATE, Status.COMPLETE, id="after its creation"),
        pytest.param("pre-update", Action.CREATE, Status.FAILED, id="before its update"),
        pytest.param("pre-delete", Action.SUSPEND, Status.COMPLETE, id="before its deletion, while it is suspended"),
        pytest.param("post-delete", Action.DELETE, Status.COMPLETE, id="after its deletion"),
        pytest.param("post-delete", Action.DELETE, Status.IN_PROGRESS, id="at the end of its deletion"),
    ],
)
def test_a_hook_is_cleared_whatever_the_state_of_its_resource(
    world: World, point: str, action: Action, status: Status
) -> None:
    stack = world.stack({"action": action, "status": status, "hook": Hook(point, stored.WALK)})
    world.unset(stack, point)

    row = world.row(stack)
    assert row.hook == Hook(point, stored.WALK, is_cleared=True)
    assert row.state == (action, status)
    assert world.told(stack) == [f"gate {action}_{status}: Hook {point} is cleared"]


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(None, id="none was reached"),
        pytest.param(Hook("pre-update", stored.WALK), id="it waits at another"),
        pytest.param(Hook("pre-create", stored.WALK, is_cleared=True), id="it was cleared before"),
        pytest.param(Hook("pre-create", TraversalId("earlier")), id="an earlier walk waited there"),
    ],
)
def test_a_hook_at_which_nothing_waits_is_not_set(world: World, hook: Hook | None) -> None:
    stack = world.stack({**WAITS, "hook": hook})

    error = refusal(lambda: world.unset(stack, "pre-create"))

    assert (error.code, error.message) == (Code.HOOK_NOT_SET, 'The "pre-create" hook is not defined on gate')
    assert (world.row(stack).hook, world.told(stack), world.woken) == (hook, [], [])


@pytest.mark.parametrize("hook", ["pre-suspend", "", None, 7, ["pre-create"]])
def test_what_is_no_hook_is_refused(world: World, hook: Any) -> None:
    error = refusal(lambda: world.unset(world.stack(WAITS), hook))

    assert error.code is Code.INVALID_BREAKPOINT_HOOK
    assert "known: pre-create, " in error.message


def test_of_a_row_and_what_it_replaces_the_one_that_waits_goes_on(world: World) -> None:
    """The old one waits to be deleted; a caller has one name for both."""
    old = {**BUILT, "hook": Hook("pre-delete", stored.WALK)}
    stack = world.stack(old, {**BUILT, "created_time": stored.at(9)}, action=Action.UPDATE)
    world.unset(stack, "pre-delete")

    assert [row.hook and row.hook.is_cleared for row in world.rows(stack)] == [True, None]


def test_a_call_that_waits_gets_the_metadata(world: World) -> None:
    stack = world.stack({**WAITS, "metadata": {"shelf": 3}})

    assert world.unset(stack, "pre-create", sync=True) == {"shelf": 3}


def test_the_same_request_is_answered_again_and_wakes_nobody(world: World) -> None:
    stack = world.stack({**WAITS, "metadata": {"shelf": 3}})
    ask: Mapping[str, Any] = {"sync": True, "request_id": "once"}
    first = world.signal(stack, {"unset_hook": "pre-create", "b": 1}, **ask)
    again = world.signal(stack, {"b": 1, "unset_hook": "pre-create"}, **ask)

    assert first == again == {"shelf": 3}
    assert len(world.history(stack)) == len(world.woken) == 1
    other = refusal(lambda: world.signal(stack, {"unset_hook": "pre-create", "b": 2}, **ask))
    assert other.code is Code.REQUEST_ID_REUSED


def test_of_many_that_clear_a_hook_together_one_does(world: World) -> None:
    stack = world.stack(WAITS)

    def clear(_: int) -> Code | None:
        try:
            world.unset(stack, "pre-create")
        except EngineError as error:
            return error.code
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(clear, range(8)))

    assert sorted(answers, key=str) == [Code.HOOK_NOT_SET] * 7 + [None]
    assert len(world.history(stack)) == 1


def test_a_hook_is_cleared_between_two_writes_of_the_walk(world: World) -> None:
    stack = world.stack(WAITS)
    (row,) = world.rows(stack)
    lock = Lock(stack.id, stored.ENGINE, 1)
    world.unset(stack, "pre-create")

    with world.db.write() as tx:
        assert walks.apply(tx, [walks.Step(lock, stack.traversal, row)]) == [False]
    with world.db.write() as tx:
        assert walks.apply(tx, [walks.Step(lock, stack.traversal, world.row(stack))]) == [True]


# Other signals


@pytest.mark.parametrize("details", [None, {}, {"status": "SUCCESS"}, "unset_hook", '{"unset_hook": "pre-create"}'])
def test_no_type_takes_any_other_signal_yet(world: World, details: Any) -> None:
    stack = world.stack(WAITS)

    error = refusal(lambda: world.signal(stack, details))

    assert error.code is Code.RESOURCE_ACTION_NOT_SUPPORTED
    assert world.told(stack) == []


@pytest.mark.parametrize("action", [Action.SUSPEND, Action.DELETE])
def test_a_resource_that_rests_or_goes_takes_no_signal_and_an_event_says_so(world: World, action: Action) -> None:
    stack = world.stack({"action": action, "status": Status.COMPLETE})

    error = refusal(lambda: world.signal(stack, {"status": "SUCCESS"}))

    assert error.code is Code.INVALID_RESOURCE_STATE
    assert f"Signal resource during {action}" in error.message
    assert world.told(stack) == [f"gate SIGNAL_COMPLETE: Cannot signal resource during {action}"]


@pytest.mark.parametrize("details", [{"unset_hook": "pre-create"}, {"unset_hook": "no hook"}, "hello"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("later", Code.RESOURCE_NOT_AVAILABLE, id="declared and not made"),
        pytest.param("nothing", Code.RESOURCE_NOT_FOUND, id="not declared"),
        pytest.param("", Code.RESOURCE_NOT_FOUND, id="no name"),
    ],
)
def test_what_is_not_there_takes_no_signal(world: World, details: Any, name: str, code: Code) -> None:
    assert refusal(lambda: world.signal(world.stack(WAITS), details, name)).code is code


def test_a_stack_of_another_project_is_not_found(world: World) -> None:
    stack = world.stack(WAITS, project="q")
    identity = replace(stack.identity, tenant="")

    signal = SignalResource(identity, "gate", {"unset_hook": "pre-create"})
    assert refusal(lambda: world.use.signal(ME, signal)).code is Code.STACK_NOT_FOUND
    assert refusal(lambda: world.use.mark_unhealthy(ME, MarkUnhealthy(identity, "gate", True))).code is (
        Code.STACK_NOT_FOUND
    )


# Marks


def test_a_resource_is_marked_and_the_lock_is_free_again(world: World) -> None:
    stack = world.stack(BUILT, is_walked=False)
    world.mark(stack, reason="the disk is full")

    row = world.row(stack)
    assert (str(row.state), row.reason, row.is_unhealthy) == ("CHECK_FAILED", "the disk is full", True)
    assert world.told(stack) == ["gate CHECK_FAILED: the disk is full"]
    with world.db.read() as tx:
        assert locks.holder(tx, stack.id) is None


def test_a_mark_is_taken_away_again(world: World) -> None:
    stack = world.stack(BUILT, is_walked=False)
    world.mark(stack)
    world.mark(stack, unhealthy=False)

    row = world.row(stack)
    assert (str(row.state), row.is_unhealthy) == ("CHECK_COMPLETE", False)
    default = "state changed by resource_mark_unhealthy api"
    assert world.told(stack) == [f"gate CHECK_FAILED: {default}", f"gate CHECK_COMPLETE: {default}"]


@pytest.mark.parametrize(
    ("row", "unhealthy"),
    [
        pytest.param(BUILT, False, id="healthy, of what was never unhealthy"),
        pytest.param({"action": Action.DELETE, "status": Status.FAILED}, True, id="unhealthy, of what is going"),
        pytest.param(
            {"action": Action.CHECK, "status": Status.FAILED, "reason": "why", "is_unhealthy": True},
            True,
            id="unhealthy, once more",
        ),
    ],
)
def test_a_mark_that_changes_nothing_writes_nothing(world: World, row: Mapping[str, Any], unhealthy: bool) -> None:
    stack = world.stack(row, is_walked=False)
    before = world.rows(stack)
    world.mark(stack, unhealthy=unhealthy, reason="why")

    assert (world.rows(stack), world.told(stack)) == (before, [])


def test_another_reason_for_a_mark_is_no_event(world: World) -> None:
    stack = world.stack({"action": Action.CHECK, "status": Status.FAILED, "reason": "a check"}, is_walked=False)
    world.mark(stack, reason="somebody looked")

    assert (world.row(stack).reason, world.row(stack).is_unhealthy) == ("somebody looked", True)
    assert world.told(stack) == []


@pytest.mark.parametrize("holder", [HERE, stored.ENGINE])
def test_a_stack_that_somebody_holds_is_busy(world: World, holder: EngineId) -> None:
    stack = world.stack(BUILT, status=Status.COMPLETE)
    with world.db.write() as tx:
        tx.connection.execute(LOCK.update().values(engine_id=holder))
    before = world.rows(stack)

    error = refusal(lambda: world.mark(stack))

    assert error.code is Code.STACK_ACTION_IN_PROGRESS
    assert error.message == f'Stack "{stack.name}" already has an action (CREATE) in progress.'
    assert (world.rows(stack), world.told(stack)) == (before, [])


@pytest.mark.parametrize(
    ("stack_status", "row_status"),
    [
        pytest.param(Status.IN_PROGRESS, Status.COMPLETE, id="its walk was left and goes on later"),
        pytest.param(Status.FAILED, Status.IN_PROGRESS, id="an operation on the resource has no end yet"),
    ],
)
def test_a_stack_on_which_something_is_under_way_is_busy_though_nobody_holds_it(
    world: World, stack_status: Status, row_status: Status
) -> None:
    stack = world.stack({**BUILT, "status": row_status}, is_walked=False, status=stack_status)

    assert refusal(lambda: world.mark(stack)).code is Code.STACK_ACTION_IN_PROGRESS
    with world.db.read() as tx:
        assert locks.holder(tx, stack.id) is None


def named(found: Sequence[ResourceRecord]) -> list[str]:
    return [row.name for row in found if row.is_unhealthy]


@pytest.mark.parametrize(
    ("called", "name"),
    [
        pytest.param("gate", "gate", id="by its name"),
        pytest.param("vm-7", "gate", id="by its id at the provider"),
        pytest.param("10.0.0.7", "other", id="by its reference id"),
        pytest.param("other", "other", id="by its name, which is the id of another"),
    ],
)
def test_a_resource_is_found_by_name_or_id(world: World, called: str, name: str) -> None:
    gate, other = {"physical_id": "vm-7"}, {"name": "other", "physical_id": "vm-8", "reference": "10.0.0.7"}
    third = {"name": "third", "physical_id": "other"}
    stack = world.stack(*({**BUILT, **row} for row in (gate, other, third)), is_walked=False)
    world.mark(stack, called)

    assert named(world.rows(stack)) == [name]


def test_of_a_row_and_what_it_replaces_the_newer_is_marked(world: World) -> None:
    stack = world.stack(BUILT, {**BUILT, "created_time": stored.at(9)}, is_walked=False)
    world.mark(stack)

    assert [row.is_unhealthy for row in world.rows(stack)] == [False, True]


def test_an_id_that_several_resources_have_is_ambiguous(world: World) -> None:
    rows = ({**BUILT, "name": name, "physical_id": "vm"} for name in ("gate", "other"))
    stack = world.stack(*rows, is_walked=False)

    assert refusal(lambda: world.mark(stack, "vm")).code is Code.PHYSICAL_RESOURCE_AMBIGUOUS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("later", Code.RESOURCE_NOT_AVAILABLE, id="declared and not reached"),
        pytest.param("gate", Code.RESOURCE_NOT_AVAILABLE, id="reached and not built"),
        pytest.param("nothing", Code.RESOURCE_NOT_FOUND, id="not declared"),
        pytest.param("", Code.RESOURCE_NOT_FOUND, id="no name"),
    ],
)
def test_what_was_not_built_takes_no_mark(world: World, name: str, code: Code) -> None:
    stack = world.stack({**WAITS, "hook": None}, is_walked=False)

    assert refusal(lambda: world.mark(stack, name)).code is code


def test_it_must_be_said_whether_the_mark_is_set(world: World) -> None:
    error = refusal(lambda: world.mark(world.stack(), "nothing", unhealthy=None))

    assert (error.code, error.message) == (Code.INVALID_ARGUMENT, "mark_unhealthy is not a boolean")


def test_the_same_mark_takes_effect_once(world: World) -> None:
    stack = world.stack(BUILT, is_walked=False)
    world.mark(stack, request_id="once")
    world.mark(stack, unhealthy=False)
    world.mark(stack, request_id="once")

    assert str(world.row(stack).state) == "CHECK_COMPLETE"
    assert refusal(lambda: world.unset(stack, "pre-create", request_id="once")).code is Code.REQUEST_ID_REUSED


def test_marks_that_come_together_take_turns(world: World) -> None:
    stack = world.stack(BUILT, is_walked=False)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: world.mark(stack, reason=str(number)), range(8)))

    assert answers == [None] * 8
    assert world.row(stack).version == 9
    assert [one.sequence for one in world.history(stack)] == [1]
    with world.db.read() as tx:
        assert locks.holder(tx, stack.id) is None


def test_a_stack_that_was_deleted_has_nothing_to_mark(world: World) -> None:
    stack = world.stack(is_walked=False)
    with world.db.write() as tx:
        tx.connection.execute(stacks.STACK.update().values(deleted_time=stored.at(9)))

    assert refusal(lambda: world.mark(stack)).code is Code.STACK_NOT_FOUND
