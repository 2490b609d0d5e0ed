"""Updates as users make them: what keeps its identity, what is built anew, what a list shows (engine.md §19)."""

from __future__ import annotations

import json

import pytest

from engine.model.ids import StackIdentity
from engine.model.states import Action
from engine.usecases.resources import ListResources, Resources
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import HOT, ME, EngineRoom, hot


def identities(room: EngineRoom, identity: StackIdentity) -> dict[str, tuple[str, str | None]]:
    return {row.name: (row.id, row.physical_id) for row in room.rows(identity.stack_id)}


def listed(room: EngineRoom, identity: StackIdentity) -> dict[str, str]:
    """Return what a caller sees: name → state."""
    use = Resources(room.db, room.machinery.declared, lambda *_: {})
    found, _ = use.list(ME, identity, ListResources())
    return {view.record.name: str(view.record.state) for view in found}


def registry(**types: str) -> str:
    return json.dumps({"resource_registry": {name.replace("__", "::"): type_ for name, type_ in types.items()}})


def reads(name: str) -> dict[str, object]:
    return {"value": {"get_attr": [name, "value"]}}


def test_whoever_goes_back_after_a_failed_replacement_finds_the_old_one(room: EngineRoom) -> None:
    template = hot({"it": {"fixed": "1"}, "user": {"value": {"get_resource": "it"}}})
    identity = room.create("s", template)
    room.wait(identity)
    before = identities(room, identity)
    room.bench.fails.add((CREATE, "it"))
    room.update(identity, hot({"it": {"fixed": "2"}, "user": {"value": {"get_resource": "it"}}}))
    failed = room.wait(identity)
    room.bench.fails.clear()
    room.bench.calls.clear()
    room.update(identity, template)

    assert str(failed.state) == "UPDATE_FAILED"
    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert identities(room, identity) == before
    assert room.bench.calls == [(DELETE, "it")], "of the one that failed"


def test_a_type_says_itself_when_a_change_needs_a_new_one(room: EngineRoom) -> None:
    def template(value: str, replace: bool) -> str:
        return hot({"it": {"_type": "OS::Heat::TestResource", "value": value, "update_replace": replace}})

    identity = room.create("s", template("1", False))
    room.wait(identity)
    first = identities(room, identity)
    room.update(identity, template("2", False))
    room.wait(identity)
    second = identities(room, identity)
    room.update(identity, template("3", True))
    room.wait(identity)
    third = identities(room, identity)

    assert first == second
    assert (third.keys(), third["it"] != second["it"]) == (second.keys(), True)
    assert listed(room, identity) == {"it": "CREATE_COMPLETE"}


def test_a_new_environment_brings_the_types_that_a_new_template_uses(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {}}))
    room.wait(identity)
    before = identities(room, identity)
    environment = registry(My__Thing="Test::Thing", My__Box="box.yaml")
    wanted = hot({"it": {}, "named": {"_type": "My::Thing"}, "boxed": {"_type": "My::Box"}})
    room.update(identity, wanted, environment=environment, files={"box.yaml": hot({"leaf": {}})})

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert identities(room, identity)["it"] == before["it"]
    assert sorted(room.bench.built.values()) == ["it", "leaf", "named"]
    assert room.row(identity, "named").type == "My::Thing"


@pytest.mark.parametrize(
    ("types", "is_replaced"),
    [
        pytest.param({"My__Thing": "My::Other", "My__Other": "Test::Thing"}, False, id="the same by a longer way"),
        pytest.param({"My__Thing": "OS::Heat::None"}, True, id="another"),
    ],
)
def test_a_type_that_is_mapped_elsewhere_replaces_only_where_another_builds_it(
    room: EngineRoom, types: dict[str, str], is_replaced: bool
) -> None:
    template = hot({"it": {"_type": "My::Thing", "value": "v"}})
    identity = room.create("s", template, environment=registry(My__Thing="Test::Thing"))
    room.wait(identity)
    before = identities(room, identity)
    room.update(identity, template, environment=registry(**types))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (identities(room, identity) != before) == is_replaced
    assert list(room.bench.built.values()) == ([] if is_replaced else ["it"])
    assert room.bench.count(UPDATE, "it") == 0


def test_the_name_of_a_type_may_change_without_the_thing(room: EngineRoom) -> None:
    identity = room.create("s", hot({"it": {"_type": "My::Thing"}}), environment=registry(My__Thing="Test::Thing"))
    room.wait(identity)
    before, calls = identities(room, identity), list(room.bench.calls)
    room.update(identity, hot({"it": {}}))

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert (identities(room, identity), room.bench.calls) == (before, calls)
    assert room.row(identity, "it").type == "Test::Thing"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("2013-05-23", "2018-08-31", id="newer"),
        pytest.param("2018-08-31", "2013-05-23", id="older"),
    ],
)
def test_a_failed_change_of_the_template_version_can_be_updated_and_deleted(
    room: EngineRoom, first: str, second: str
) -> None:
    only = {"2013-05-23": '{"Fn::Select": [0, [x]]}', "2018-08-31": "{if: [yes_, x, y]}"}
    conditions = {"2013-05-23": "", "2018-08-31": "conditions: {yes_: true}\n"}

    def template(version: str, extra: str = "") -> str:
        head = f"heat_template_version: {version}\n{conditions[version]}"
        return f"{head}resources:\n  it: {{type: Test::Thing, properties: {{value: {only[version]}}}}}\n{extra}"

    identity = room.create("s", template(first))
    room.wait(identity)
    before = identities(room, identity)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, template(second, "  bad: {type: Test::Thing}\n"))
    failed = room.wait(identity)
    room.bench.fails.clear()
    room.update(identity, template(second))
    mended = room.wait(identity)
    after = identities(room, identity)
    room.delete(identity)

    assert (str(failed.state), str(mended.state)) == ("UPDATE_FAILED", "UPDATE_COMPLETE")
    assert after == before
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_resources_are_listed_while_an_update_switches_conditions(room: EngineRoom) -> None:
    template = (
        HOT
        + """
parameters: {wide: {type: boolean}}
conditions: {is_wide: {get_param: wide}, is_narrow: {not: is_wide}}
resources:
  always: {type: Test::Thing, properties: {value: {get_param: wide}}}
  left: {type: Test::Thing, condition: is_wide}
  right: {type: Test::Thing, condition: is_narrow, depends_on: always}
"""
    )
    identity = room.create("s", template, parameters={"wide": True})
    room.wait(identity)
    room.bench.waits |= {(UPDATE, "always"), (DELETE, "left")}
    room.update(identity, template, parameters={"wide": False})
    room.bench.until_called(UPDATE, "always", times=2)
    room.bench.until_called(DELETE, "left", times=2)
    during = listed(room, identity)
    room.bench.waits.clear()

    assert during == {"always": "UPDATE_IN_PROGRESS", "left": "DELETE_IN_PROGRESS", "right": "INIT_COMPLETE"}
    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert listed(room, identity) == {"always": "UPDATE_COMPLETE", "right": "CREATE_COMPLETE"}


def test_a_renaming_that_failed_in_what_reads_it_can_be_taken_back(room: EngineRoom) -> None:
    old, new = hot({"a": {"value": "1"}, "user": reads("a")}), hot({"b": {"value": "2"}, "user": reads("b")})
    identity = room.create("s", old)
    room.wait(identity)
    before = identities(room, identity)
    room.bench.fails.add((UPDATE, "user"))
    room.update(identity, new)
    failed = room.wait(identity)
    between = listed(room, identity)
    room.bench.fails.clear()
    room.update(identity, old)

    assert str(failed.state) == "UPDATE_FAILED"
    assert between == {"b": "CREATE_COMPLETE", "user": "UPDATE_FAILED", "a": "CREATE_COMPLETE"}
    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert identities(room, identity)["a"] == before["a"]
    assert room.row(identity, "user").properties["value"] == "1"
    assert room.bench.built == {row.id: row.name for row in room.rows(identity.stack_id)}


def test_after_a_failure_old_and_new_resources_are_listed(room: EngineRoom) -> None:
    user = {"_type": "My::Thing", "value": {"get_resource": "old"}}
    identity = room.create("s", hot({"old": {}, "user": user}), environment=registry(My__Thing="Test::Thing"))
    room.wait(identity)
    room.bench.fails.add((CREATE, "user"))
    wanted = hot({"new": {}, "user": {"_type": "My::Thing", "value": {"get_resource": "new"}, "fixed": "other"}})
    room.update(identity, wanted, environment=registry(My__Thing="My::Other", My__Other="Test::Thing"))

    assert str(room.wait(identity).state) == "UPDATE_FAILED"
    assert listed(room, identity) == {"new": "CREATE_COMPLETE", "user": "CREATE_FAILED", "old": "CREATE_COMPLETE"}


class Once(set[tuple[Action, str]]):
    """Failures that happen one time each."""

    def __contains__(self, what: object) -> bool:
        found = super().__contains__(what)
        self.discard(what)
        return found


@pytest.mark.parametrize("ends", ["CREATE_COMPLETE", "CREATE_FAILED"])
def test_an_update_that_comes_during_the_create_is_done_however_that_ends(room: EngineRoom, ends: str) -> None:
    room.bench.hangs.add((CREATE, "it"))
    room.bench.fails = Once({(CREATE, "it")} if ends == "CREATE_FAILED" else ())
    identity = room.create("s", hot({"it": {"value": "1"}}))
    room.bench.until_called(CREATE, "it")
    room.update(identity, hot({"it": {"value": "2"}, "more": {}}))
    room.news.event("more", "CREATE_COMPLETE")
    room.bench.let_go()
    first, stack = room.news.event("it", ends), room.wait(identity)

    assert str(stack.state) == "UPDATE_COMPLETE"
    assert (room.row(identity, "it").id == first.resource_id) == (ends == "CREATE_COMPLETE")
    assert room.row(identity, "it").properties["value"] == "2"
    assert room.bench.built == {row.id: row.name for row in room.rows(identity.stack_id)}


def test_names_and_values_of_any_language_go_all_the_way(room: EngineRoom) -> None:
    def template(value: str) -> str:
        thing = f"resources: {{日本: {{type: Test::Thing, properties: {{value: {value}}}}}}}\n"
        return f"{HOT}description: описание\n{thing}outputs: {{größe: {{value: {{get_attr: [日本, value]}}}}}}\n"

    identity = room.create("s", template("значение"), tags=["ярлык"])
    created = room.wait(identity)
    before, said = identities(room, identity), room.outputs(identity)
    room.update(identity, template("naïve 🦊"))
    room.wait(identity)
    after = room.outputs(identity)
    room.delete(identity)

    assert (str(created.state), created.description, created.tags) == ("CREATE_COMPLETE", "описание", ("ярлык",))
    assert (said, after) == ({"größe": "значение"}, {"größe": "naïve 🦊"})
    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert before.keys() == {"日本"}
    assert "日本 UPDATE_COMPLETE" in room.history(identity)
    assert room.bench.built == {}
