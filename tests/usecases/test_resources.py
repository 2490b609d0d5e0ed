from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine import resources as built_in
from engine.model.errors import Code, EngineError
from engine.model.ids import DefinitionId, StackIdentity, TraversalId
from engine.model.records import Caller, Definition, Hook, Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plugin import Context, ResourceType
from engine.plugin import registry as registries
from engine.plugin.registry import Registry
from engine.runtime.declared import Declared
from engine.schema.attributes import AttributeGroup, attribute
from engine.store import templates, walks
from engine.store.database import Database
from engine.template.source import Limits
from engine.usecases.resources import ListResources, Resources
from engine.usecases.views import ResourceView
from kit import databases, stored

ME = Caller("p")
HOT = "heat_template_version: 2021-04-16\n"
CHAIN = f"""{HOT}resources:
  first: {{type: Test::Odd, description: The first.}}
  second: {{type: Test::Odd, depends_on: first}}
  third: {{type: Test::Odd, depends_on: [first, second]}}
"""
DONE = {"action": Action.CREATE, "status": Status.COMPLETE}


class Odd(ResourceType):
    """Its attributes do what its physical id says."""

    type_name = "Test::Odd"

    class Attributes(AttributeGroup):
        plain = attribute("A text.")
        broken = attribute("Raises.")

    def attribute(self, ctx: Context, name: str, path: tuple[str | int, ...]) -> Any:
        if name == "broken":
            raise RuntimeError("the provider is away")
        if name == "show":
            return {"raw": 1, "plain": "shown"} if ctx.physical_id == "shows" else None
        return f"{name} of {ctx.name}"


REGISTRY = registries.discover(built_in)
TYPES = Registry([Odd, *(type(REGISTRY.get(name)) for name in REGISTRY.names())])


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        yield database


@pytest.fixture
def use(db: Database) -> Resources:
    return Resources(db, Declared(TYPES, Limits()), ports_for=lambda *_: {})


def stack_of(db: Database, template: str, rows: Sequence[Mapping[str, Any]] = (), **changes: Any) -> StackRecord:
    """Store a stack of a template with rows, each told by what is special about it."""
    definition = Definition(DefinitionId(stored.new_id()), template)
    with db.write() as tx:
        templates.save(tx, definition)
        stack, lock = stored.walked(tx, definition_id=definition.id, **changes)
        records = [stored.resource(stack, type="Test::Odd", implementation="Test::Odd", **row) for row in rows]
        landed = walks.apply(tx, [stored.step(lock, record, stack) for record in records])

    assert all(landed)
    return stack


def states(views: Sequence[ResourceView]) -> dict[str, str]:
    return {view.record.name: str(view.record.state) for view in views}


def listed(use: Resources, stack: StackRecord, **wanted: Any) -> list[ResourceView]:
    return list(use.list(ME, stack.identity, ListResources(**wanted))[0])


def test_what_no_walk_has_reached_yet_reads_init(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, [{"name": "first", **DONE}])

    views = listed(use, stack)

    assert states(views) == {"first": "CREATE_COMPLETE", "second": "INIT_COMPLETE", "third": "INIT_COMPLETE"}
    assert views[1].record.type == "Test::Odd"
    assert [view.required_by for view in views] == [["second", "third"], ["third"], []]


def test_what_is_not_declared_any_more_is_listed_until_it_is_gone(db: Database, use: Resources) -> None:
    rows = [{"name": "old", "action": Action.DELETE}, {"name": "first", **DONE}]
    stack = stack_of(db, f"{HOT}resources:\n  first: {{type: Test::Odd}}\n", rows, action=Action.UPDATE)

    assert states(listed(use, stack)) == {"first": "CREATE_COMPLETE", "old": "DELETE_IN_PROGRESS"}


def test_of_a_replacement_and_what_it_replaces_the_replacement_is_shown(db: Database, use: Resources) -> None:
    rows = [
        {"name": "first", "physical_id": "old", **DONE},
        {"name": "first", "physical_id": "new", "created_time": stored.at(5)},
    ]
    stack = stack_of(db, f"{HOT}resources:\n  first: {{type: Test::Odd}}\n", rows, action=Action.UPDATE)

    (view,) = listed(use, stack)

    assert view.record.physical_id == "new"


def test_a_delete_under_way_shows_what_is_still_there(db: Database, use: Resources) -> None:
    rows = [{"name": "second", "action": Action.DELETE}, {"name": "first", **DONE}]
    stack = stack_of(db, CHAIN, rows, action=Action.DELETE)

    views = listed(use, stack)

    assert states(views) == {"first": "CREATE_COMPLETE", "second": "DELETE_IN_PROGRESS"}
    assert views[0].description == "The first."


def test_a_rollback_of_a_create_shows_what_is_still_there(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, [{"name": "first", **DONE}], action=Action.ROLLBACK)

    assert states(listed(use, stack)) == {"first": "CREATE_COMPLETE"}


def test_a_deleted_stack_is_listed_as_it_was_declared(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, action=Action.DELETE, status=Status.COMPLETE, deleted_time=stored.at(9))

    assert set(states(listed(use, stack)).values()) == {"DELETE_COMPLETE"}
    with pytest.raises(EngineError) as hidden:
        use.describe(ME, stack.identity, "first")
    assert hidden.value.code is Code.STACK_NOT_FOUND


@pytest.mark.parametrize(
    ("hooks", "shown"),
    [
        pytest.param([Hook("post-create", stored.WALK)], "post-create", id="it waits"),
        pytest.param([Hook("post-create", stored.WALK, is_cleared=True)], "", id="it was let go on"),
        pytest.param([Hook("post-create", TraversalId("earlier"))], "", id="it waited on an earlier walk"),
        pytest.param([Hook("pre-delete", stored.WALK), None], "pre-delete", id="what it replaces waits"),
        pytest.param(
            [Hook("pre-delete", stored.WALK), Hook("post-create", stored.WALK)], "post-create", id="both of them wait"
        ),
    ],
)
def test_a_resource_shows_the_hook_that_it_waits_at(
    db: Database, use: Resources, hooks: Sequence[Hook | None], shown: str
) -> None:
    rows = [{"name": "first", "hook": hook, "created_time": stored.at(age), **DONE} for age, hook in enumerate(hooks)]
    stack = stack_of(db, CHAIN, rows)

    assert [view.hook for view in listed(use, stack)] == [shown, "", ""]
    assert use.describe(ME, stack.identity, "first", bare=True).hook == shown


def test_rows_are_shown_even_when_their_type_is_gone(db: Database, use: Resources) -> None:
    stack = stack_of(db, f"{HOT}resources:\n  first: {{type: Test::Gone}}\n", [{"name": "first", **DONE}])

    (view,) = listed(use, stack, with_detail=True)

    assert view.record.name == "first"


def described(use: Resources, stack: StackRecord, **wanted: Any) -> Mapping[str, Any] | None:
    return use.describe(ME, stack.identity, "first", **wanted).attributes


def test_attributes_are_read_one_by_one_and_null_where_they_cannot_be(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, [{"name": "first", "physical_id": "plain", **DONE}])

    assert described(use, stack) == {"plain": "plain of first", "broken": None}
    assert described(use, stack, with_attr=["more", "plain"]) == {
        "plain": "plain of first",
        "broken": None,
        "more": "more of first",
    }
    assert described(use, stack, bare=True) is None


def test_what_the_provider_shows_is_the_answer_with_what_was_asked_for_beside(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, [{"name": "first", "physical_id": "shows", **DONE}])

    assert described(use, stack) == {"raw": 1, "plain": "shown"}
    assert described(use, stack, with_attr=["plain", "more"]) == {"raw": 1, "plain": "shown", "more": "more of first"}


def test_what_was_never_made_has_attributes_of_null(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN)

    assert described(use, stack, with_attr=["more"]) == {"plain": None, "broken": None, "more": None}


def physical(use: Resources, physical_id: str, caller: Caller = ME) -> StackIdentity:
    return use.find_physical(caller, physical_id)


def test_a_real_thing_is_found_by_its_owner_and_by_the_stacks_own_users(db: Database, use: Resources) -> None:
    stack = stack_of(db, CHAIN, [{"name": "first", "physical_id": "vm-1", **DONE}], user_project_id="users")

    assert physical(use, "vm-1") == stack.identity.resource("first")
    assert physical(use, "vm-1", Caller("users")) == stack.identity.resource("first")
    for caller, wanted in ((Caller("q"), "vm-1"), (ME, "vm-2"), (ME, "")):
        with pytest.raises(EngineError) as missing:
            physical(use, wanted, caller)
        assert missing.value.code is Code.PHYSICAL_RESOURCE_NOT_FOUND


def test_a_real_thing_of_several_stacks_is_ambiguous(db: Database, use: Resources) -> None:
    for _ in range(2):
        stack_of(db, CHAIN, [{"name": "first", "physical_id": "vm-1", **DONE}])

    with pytest.raises(EngineError) as ambiguous:
        physical(use, "vm-1")

    assert ambiguous.value.code is Code.PHYSICAL_RESOURCE_AMBIGUOUS


def test_a_tree_is_read_in_a_known_number_of_statements(db: Database, use: Resources) -> None:
    """One for the stack, one for the tree, one for its rows, and two for each definition that is not known yet."""
    root = stack_of(db, CHAIN, [{"name": "first", **DONE}])
    for number in range(3):
        child = stack_of(
            db, CHAIN, [{"name": "first", **DONE}], owner_id=root.id, root_id=root.id, nested_depth=1, project="p"
        )
        link(db, root, child, f"box{number}")
    listed(use, root, nested_depth=1)

    with databases.statements(db) as sent:
        views = listed(use, root, nested_depth=1)

    assert len([view for view in views if view.stack.id == root.id]) == 6
    assert len(views) == 6 + 3 * 3
    assert len(sent) <= 4


def link(db: Database, root: StackRecord, child: StackRecord, name: str) -> None:
    """Store the row of the root that a nested stack stands for."""
    with db.write() as tx:
        row: ResourceRecord = stored.resource(root, name, nested_stack_id=child.id, **DONE)
        lock = Lock(root.id, stored.ENGINE, 1)

        assert walks.apply(tx, [stored.step(lock, row, root)]) == [True]
