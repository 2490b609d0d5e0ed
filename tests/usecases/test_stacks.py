"""Stacks as a caller asks for them: every check of a create, what an update keeps, what a preview tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.ids import StackIdentity
from engine.model.records import Caller
from engine.model.states import Action, Status
from engine.store import stacks, templates
from engine.usecases.commands import CreateStack, Given, UpdateStack
from engine.usecases.limits import Limits
from engine.usecases.stacks import ListStacks
from kit.bench import CREATE
from kit.engine_room import ME, EngineRoom, hot

ONE = hot({"it": {}})
PARAMETERS = hot(
    {"it": {"value": {"list_join": [" ", [{"get_param": "a"}, {"get_param": "b"}]]}}},
    parameters={"a": {"type": "string", "default": "A"}, "b": {"type": "string", "default": "B"}},
)


def refused(work: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        work()
    return caught.value


def created(room: EngineRoom, template: str = ONE, **given: object) -> StackIdentity:
    identity = room.create("s", template, **given)
    room.wait(identity)
    return identity


def in_state(room: EngineRoom, identity: StackIdentity, action: Action, status: Status) -> None:
    """Write a state that no walk of these tests leads to."""
    stack = room.stack(identity.stack_id)
    with room.db.write() as tx:
        assert stacks.begin(tx, replace(stack, action=action, status=status), expected=stack.traversal)


def test_create_answers_with_the_identity_before_the_walk_has_ended(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "it"))
    identity = room.create("s", ONE)

    assert (identity.tenant, identity.stack_name, identity.path) == ("default", "s", "")
    assert str(room.stack(identity.stack_id).state) == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="one letter"),
        pytest.param("Web_1.front-end", id="all kinds of characters"),
        pytest.param("a" * 255, id="255 characters"),
    ],
)
def test_a_good_name_is_taken(room: EngineRoom, name: str) -> None:
    assert room.create(name, ONE).stack_name == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("1st", id="a digit first"),
        pytest.param("a b", id="a space"),
        pytest.param("a/b", id="a slash"),
        pytest.param("web\n", id="a newline at the end"),
        pytest.param("ä", id="not ASCII"),
        pytest.param("a" * 256, id="256 characters"),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_stored(room: EngineRoom, name: str) -> None:
    error = refused(lambda: room.create(name, ONE))

    assert error.code is Code.STACK_VALIDATION_FAILED
    assert room.stacks.count(ME, ListStacks()) == 0


def test_a_name_that_is_taken_is_refused_and_the_first_stack_stays(room: EngineRoom) -> None:
    first = created(room)
    error = refused(lambda: room.create("s", ONE))

    assert (error.code, error.fields["stack_name"]) == (Code.STACK_EXISTS, "s")
    assert room.stacks.identify(ME, "s") == first


def test_of_two_creates_at_once_exactly_one_gets_the_name(room: EngineRoom) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(room.create, "s", ONE) for _ in range(8)]
    errors = [one.exception() for one in results]

    assert errors.count(None) == 1
    assert {error.code for error in errors if isinstance(error, EngineError)} == {Code.STACK_EXISTS}


def test_two_projects_may_use_the_same_name(room: EngineRoom) -> None:
    mine = room.create("s", ONE)
    theirs = room.stacks.create(Caller("other"), CreateStack("s", Given(ONE)))

    assert room.stacks.identify(ME, "s") == mine
    assert room.stacks.identify(Caller("other"), "s") == theirs


def test_all_problems_of_a_template_are_told_at_once_and_nothing_is_stored(room: EngineRoom) -> None:
    bad = hot({"a": {"nonsense": 1}, "b": {"_type": "OS::No::Such"}, "c": {"value": {"get_resource": "nowhere"}}})
    error = refused(lambda: room.create("s", bad))

    assert isinstance(error, TemplateInvalid)
    assert {problem.path[:2] for problem in error.problems} >= {
        ("resources", "a"),
        ("resources", "b"),
        ("resources", "c"),
    }
    assert all(problem.line for problem in error.problems)
    assert room.stacks.count(ME, ListStacks(show_nested=True, show_hidden=True, show_deleted=True)) == 0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"timeout_mins": -1}, "timeout_mins", id="a negative timeout"),
        pytest.param({"timeout_mins": 2**40}, "timeout_mins", id="a timeout beyond all time"),
        pytest.param({"tags": ["a" * 81]}, "tags", id="a long tag"),
        pytest.param({"tags": ["a,b"]}, "tags", id="a comma in a tag"),
        pytest.param({"tags": [""]}, "tags", id="an empty tag"),
    ],
)
def test_bad_options_are_refused_by_create_and_update(room: EngineRoom, options: dict[str, object], field: str) -> None:
    identity = created(room)
    errors = [refused(lambda: room.create("t", ONE, **options)), refused(lambda: room.update(identity, ONE, **options))]

    assert [(error.code, error.fields["field"]) for error in errors] == [(Code.INVALID_ARGUMENT, field)] * 2
    assert str(room.stack(identity.stack_id).state) == "CREATE_COMPLETE"


def test_options_are_stored(room: EngineRoom) -> None:
    identity = room.create("s", ONE, timeout_mins=7, disable_rollback=False, tags=["b", "a"])
    stack = room.stack(identity.stack_id)

    assert (stack.timeout_mins, stack.disable_rollback, sorted(stack.tags)) == (7, False, ["a", "b"])


def test_what_is_not_said_has_its_default(room: EngineRoom) -> None:
    stack = room.stack(room.create("s", ONE, timeout_mins=0).stack_id)

    assert (stack.timeout_mins, stack.disable_rollback, stack.tags) == (None, True, ())


def test_no_template_is_refused(room: EngineRoom) -> None:
    assert refused(lambda: room.create("s", "")).code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(("limit", "fits"), [(0, 0), (1, 1), (2, 2), (-1, 3)])
def test_a_project_has_at_most_so_many_stacks(tmp_path: Path, limit: int, fits: int) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_stacks_per_tenant=limit)) as room:
        for number in range(fits):
            room.create(f"s{number}", ONE)
        if limit >= 0:
            error = refused(lambda: room.create("more", ONE))

            assert (error.code, error.fields["limit"]) == (Code.REQUEST_LIMIT_EXCEEDED, str(limit))
        assert room.stacks.count(ME, ListStacks()) == fits


def test_the_limit_holds_for_previews_and_not_for_administrators(tmp_path: Path) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_stacks_per_tenant=0)) as room:
        command = CreateStack("s", Given(ONE))
        error = refused(lambda: room.stacks.preview(ME, command))

        assert error.code is Code.REQUEST_LIMIT_EXCEEDED
        assert room.stacks.create(replace(ME, roles=frozenset({"admin"})), command).stack_name == "s"


def test_a_deleted_stack_makes_room_for_another(tmp_path: Path) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_stacks_per_tenant=1)) as room:
        identity = created(room)
        room.delete(identity)
        room.wait(identity)

        assert room.create("again", ONE)


def test_nested_stacks_do_not_count_against_the_limit_of_stacks(tmp_path: Path) -> None:
    with EngineRoom(tmp_path, limits=Limits(max_stacks_per_tenant=1)) as room:
        identity = created(room, hot({"m": {"_type": "inner.yaml"}}), files={"inner.yaml": ONE})

        assert str(room.stack(identity.stack_id).state) == "CREATE_COMPLETE"


@pytest.mark.parametrize(("limit", "resources", "fits"), [(3, 3, True), (3, 4, False), (-1, 40, True)])
def test_a_stack_has_at_most_so_many_resources(tmp_path: Path, limit: int, resources: int, fits: bool) -> None:
    template = hot({f"r{number}": {} for number in range(resources)})
    with EngineRoom(tmp_path, limits=Limits(max_resources_per_stack=limit)) as room:
        identity = created(room)
        if fits:
            room.update(identity, template)
            assert room.create("t", template)
        else:
            with pytest.raises(EngineError, match="at most 3"):
                room.create("t", template)
            with pytest.raises(EngineError, match="at most 3"):
                room.update(identity, template)


def test_an_update_without_existing_replaces_the_whole_definition(room: EngineRoom) -> None:
    identity = created(room, PARAMETERS, parameters={"a": "1", "b": "2"}, tags=["t"], timeout_mins=5)
    room.update(identity, PARAMETERS, parameters={"b": "3"})
    stack = room.wait(identity)

    assert room.row(identity, "it").properties["value"] == "A 3"
    assert (stack.tags, stack.timeout_mins) == ((), 5)


def test_an_update_with_existing_keeps_what_is_not_given(room: EngineRoom) -> None:
    identity = created(
        room, PARAMETERS, parameters={"a": "1", "b": "2"}, tags=["t"], timeout_mins=5, disable_rollback=False
    )
    room.update(identity, existing=True, parameters={"b": "3"})
    stack = room.wait(identity)

    assert room.row(identity, "it").properties["value"] == "1 3"
    assert (stack.tags, stack.timeout_mins, stack.disable_rollback) == (("t",), 5, False)


def test_parameters_are_cleared_before_new_ones_are_laid_over(room: EngineRoom) -> None:
    identity = created(room, PARAMETERS, parameters={"a": "1", "b": "2"})
    room.update(identity, existing=True, clear_parameters=["a", "b", "unheard of"], parameters={"b": "3"})
    room.wait(identity)

    assert room.row(identity, "it").properties["value"] == "A 3"


@pytest.mark.parametrize("verb", ["update", "preview_update"])
def test_parameters_to_clear_are_refused_where_nothing_is_kept(room: EngineRoom, verb: str) -> None:
    identity = created(room, PARAMETERS, parameters={"a": "1"})
    before = room.stack(identity.stack_id)
    command = UpdateStack(identity, Given(PARAMETERS), clear_parameters=["a"])
    error = refused(lambda: getattr(room.stacks, verb)(ME, command))

    assert (error.code, error.fields["field"]) == (Code.INVALID_ARGUMENT, "clear_parameters")
    assert "clear_parameters goes with existing" in str(error)
    assert room.stack(identity.stack_id) == before


def test_tags_that_are_given_empty_clear_those_that_are_there(room: EngineRoom) -> None:
    identity = created(room, tags=["t"])
    room.update(identity, existing=True, tags=[])

    assert room.wait(identity).tags == ()


def test_files_are_merged_by_an_update_with_existing(room: EngineRoom) -> None:
    template = hot({"it": {"value": {"list_join": ["", [{"get_file": "one"}, {"get_file": "two"}]]}}})
    identity = created(room, template, files={"one": "1", "two": "2"})
    room.update(identity, existing=True, files={"two": "II"})
    room.wait(identity)

    assert room.row(identity, "it").properties["value"] == "1II"


def test_the_registry_and_the_defaults_of_an_environment_are_merged_too(room: EngineRoom) -> None:
    first = json.dumps({"parameter_defaults": {"a": "1"}, "resource_registry": {"My::Type": "Test::Thing"}})
    template = PARAMETERS.replace("Test::Thing", "My::Type")
    identity = created(room, template, environment=first)
    room.update(identity, existing=True, environment=json.dumps({"parameter_defaults": {"b": "2"}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "it").properties["value"] == "1 2"


def test_environment_files_are_merged_in_their_order(room: EngineRoom) -> None:
    files = {"one.yaml": "parameters: {a: first, b: first}", "two.yaml": "parameters: {b: second}"}
    identity = created(room, PARAMETERS, files=files, environment_files=["one.yaml", "two.yaml"])

    assert room.row(identity, "it").properties["value"] == "first second"


def test_an_environment_file_that_is_not_there_is_told(room: EngineRoom) -> None:
    error = refused(lambda: room.create("s", ONE, environment_files=["gone.yaml"]))

    assert error.code is Code.INVALID_ENVIRONMENT
    assert "gone.yaml" in error.message


def test_a_patch_after_a_failure_is_laid_upon_what_was_tried_last(room: EngineRoom) -> None:
    identity = created(room, PARAMETERS, parameters={"a": "1"})
    room.bench.fails.add((CREATE, "more"))
    more = PARAMETERS.replace('"it": {', '"more": {"type": "Test::Thing"}, "it": {', 1)
    room.update(identity, more, existing=True, parameters={"b": "2"})
    failed = room.wait(identity)
    room.bench.fails.clear()
    room.update(identity, existing=True)

    assert str(failed.state) == "UPDATE_FAILED"
    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.row(identity, "it").properties["value"] == "1 2"
    assert room.row(identity, "more").is_built


def test_an_update_keeps_the_id_and_the_rows(room: EngineRoom) -> None:
    identity = created(room)
    before = room.row(identity, "it").id
    again = room.update(identity, hot({"it": {"value": "new"}}))
    room.wait(identity)

    assert again == identity
    assert room.row(identity, "it").id == before


def test_an_update_of_a_stack_that_is_not_there_is_refused(room: EngineRoom) -> None:
    nowhere = StackIdentity("default", "nowhere", "11111111-1111-1111-1111-111111111111")

    assert refused(lambda: room.update(nowhere, ONE)).code is Code.STACK_NOT_FOUND
    assert refused(lambda: room.delete(nowhere)).code is Code.STACK_NOT_FOUND


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("action", [Action.SUSPEND, Action.DELETE])
def test_an_update_is_refused_in_every_state_of_suspend_and_delete(
    room: EngineRoom, action: Action, status: Status
) -> None:
    identity = created(room)
    in_state(room, identity, action, status)
    error = refused(lambda: room.update(identity, hot({"it": {"value": "new"}})))

    assert (error.code, error.fields["state"]) == (Code.INVALID_STACK_STATE, f"{action}_{status}")
    assert room.stack(identity.stack_id).state == (action, status)


def test_a_bad_update_is_refused_before_anything_changes(room: EngineRoom) -> None:
    identity = created(room)
    before = room.stack(identity.stack_id)
    error = refused(lambda: room.update(identity, hot({"it": {"nonsense": 1}})))

    assert isinstance(error, TemplateInvalid)
    assert room.stack(identity.stack_id) == before


def test_two_updates_that_race_both_get_an_answer_and_one_definition_wins(room: EngineRoom) -> None:
    identity = created(room)
    with ThreadPoolExecutor(6) as pool:
        results = [pool.submit(room.update, identity, hot({"it": {"value": str(number)}})) for number in range(6)]
    errors = [one.exception() for one in results]
    stack = room.wait(identity)
    with room.db.read() as tx:
        kept = templates.load(tx, stack.definition_id)

    assert errors.count(None) >= 1
    assert {error.code for error in errors if isinstance(error, EngineError)} <= {Code.CONCURRENT_TRANSACTION}
    assert str(stack.state) == "UPDATE_COMPLETE"
    assert f'"value": "{room.row(identity, "it").properties["value"]}"' in kept.template


def test_show_of_a_deleted_stack_has_no_outputs_and_no_rows(room: EngineRoom) -> None:
    identity = created(room, hot({"it": {}}, outputs={"o": {"value": "x"}}))
    room.delete(identity)
    room.wait(identity)
    (view,), _ = room.stacks.show(ME, identity, page=ListStacks())

    assert (str(view.stack.state), view.outputs) == ("DELETE_COMPLETE", None)
    assert view.stack.deleted_time is not None


def test_show_without_an_identity_shows_a_page_of_the_live_root_stacks(room: EngineRoom) -> None:
    for name in ("a", "b", "c"):
        room.wait(room.create(name, hot({"m": {"_type": "inner.yaml"}}), files={"inner.yaml": ONE}))
    seen, marker = room.stacks.show(ME, None, page=ListStacks(limit=2))
    rest, end = room.stacks.show(ME, None, page=ListStacks(limit=2, marker=marker))

    assert [view.stack.name for view in (*seen, *rest)] == ["c", "b", "a"]
    assert end == ""
