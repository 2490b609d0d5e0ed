"""Stacks inside stacks: each is a stack with events of its own, and its parent resource waits for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.records import StackRecord
from engine.model.states import Action, Status
from engine.plugin.ports import NestedRequest
from engine.store import stacks
from engine.template.source import Limits as TemplateLimits
from engine.usecases.limits import Limits
from engine.usecases.stacks import ListStacks
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

INNER = hot(
    {"x": {"value": {"get_param": "n"}}},
    parameters={"n": {"type": "string", "default": "none"}},
    outputs={"o": {"value": {"get_attr": ["x", "value"]}}},
)


def outer(value: str = "hello", type_: str = "inner.yaml") -> str:
    return hot(
        {"m": {"_type": type_, "n": value}, "k": {"value": {"get_attr": ["m", "o"]}}},
        outputs={
            "direct": {"value": {"get_attr": ["m", "o"]}},
            "deep": {"value": {"get_attr": ["m", "resource.x", "value"]}},
        },
    )


def nested(room: EngineRoom, owner_id: str) -> list[StackRecord]:
    with room.db.read() as tx:
        return stacks.children(tx, owner_id)


def test_a_nested_stack_is_created_updated_and_deleted_with_its_parent(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    identity = room.create("outer", outer(), files=files)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert room.outputs(identity) == {"direct": "hello", "deep": "hello"}
    (inner,) = nested(room, identity.stack_id)
    row = room.row(identity, "m")
    assert (row.physical_id, row.nested_stack_id) == (inner.id, inner.id)
    assert (inner.parent_resource, inner.nested_depth, inner.top_id) == ("m", 1, identity.stack_id)

    room.update(identity, outer("bye"), files=files)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.outputs(identity) == {"direct": "bye", "deep": "bye"}
    assert [stack.id for stack in nested(room, identity.stack_id)] == [inner.id]
    assert str(room.stack(inner.id).state) == "UPDATE_COMPLETE"

    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert str(room.stack(inner.id).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_an_update_that_changes_nothing_does_not_touch_the_nested_stack(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    identity = room.create("outer", outer(), files=files)
    room.wait(identity)
    room.update(identity, outer(), files=files)
    room.wait(identity)
    (inner,) = nested(room, identity.stack_id)

    assert str(inner.state) == "CREATE_COMPLETE"


def test_a_failure_elsewhere_in_the_tree_does_not_have_the_nested_stack_updated(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    before, after = (hot({"m": {"_type": "inner.yaml"}, "old": {"fixed": fixed}}) for fixed in ("1", "2"))
    room.bench.fails.add((DELETE, "old"))
    identity = room.create("outer", before, files=files)
    room.wait(identity)
    room.update(identity, after, files=files)
    room.wait(identity)
    assert sorted(str(row.state) for row in room.rows(identity.stack_id) if row.name == "old") == [
        "CREATE_COMPLETE",
        "DELETE_FAILED",
    ]
    room.update(identity, after, files=files)

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert [str(stack.state) for stack in nested(room, identity.stack_id)] == ["CREATE_COMPLETE"]
    assert "m UPDATE_IN_PROGRESS" not in room.history(identity)


def test_a_changed_file_updates_the_nested_stack(room: EngineRoom) -> None:
    identity = room.create("outer", outer(), files={"inner.yaml": INNER})
    room.wait(identity)
    changed = INNER.replace('{"get_param": "n"}', '"fixed"')
    room.update(identity, outer(), files={"inner.yaml": changed})

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.outputs(identity) == {"direct": "fixed", "deep": "fixed"}


def test_a_failure_deep_inside_tells_the_whole_path(room: EngineRoom) -> None:
    middle = hot({"in": {"_type": "inner.yaml"}})
    room.bench.fails.add((CREATE, "x"))
    identity = room.create(
        "top", hot({"mid": {"_type": "middle.yaml"}}), files={"middle.yaml": middle, "inner.yaml": INNER}
    )
    stack = room.wait(identity)

    assert str(stack.state) == "CREATE_FAILED"
    assert stack.reason == (
        "Resource CREATE failed: ResourceFailed: resources.mid.resources.in.resources.x: x was told to fail"
    )


def test_a_nested_update_that_fails_is_rolled_back_with_its_parent(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    identity = room.create("outer", outer("1"), files=files, disable_rollback=False)
    room.wait(identity)
    (inner,) = nested(room, identity.stack_id)
    room.bench.fails.add((CREATE, "bad"))
    bad = json.loads(outer("2").split("resources: ")[1].split("\n")[0])
    bad["bad"] = {"type": "Test::Thing", "depends_on": ["m", "k"]}
    room.update(identity, outer("2").split("resources: ")[0] + "resources: " + json.dumps(bad) + "\n", files=files)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert room.row(identity, "m").properties["n"] == "1"
    assert [stack.id for stack in nested(room, identity.stack_id)] == [inner.id]
    (x,) = room.rows(inner.id)
    assert x.properties["value"] == "1"


def test_a_nested_create_that_fails_is_rolled_back_and_leaves_no_stack(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "k"))
    identity = room.create("outer", outer(), files={"inner.yaml": INNER}, disable_rollback=False)

    assert str(room.wait(identity).state) == "ROLLBACK_COMPLETE"
    assert nested(room, identity.stack_id) == []
    assert room.bench.built == {}


def test_a_failed_nested_stack_is_updated_in_place_and_not_replaced(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "x"))
    identity = room.create("outer", outer(), files={"inner.yaml": INNER})
    room.wait(identity)
    (inner,) = nested(room, identity.stack_id)
    room.bench.fails.clear()
    room.update(identity, outer(), files={"inner.yaml": INNER})

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert [stack.id for stack in nested(room, identity.stack_id)] == [inner.id]


def test_a_type_of_the_environment_is_built_by_its_template(room: EngineRoom) -> None:
    environment = json.dumps({"resource_registry": {"My::Server": "inner.yaml"}})
    identity = room.create("outer", outer("hi", "My::Server"), files={"inner.yaml": INNER}, environment=environment)

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert room.row(identity, "m").type == "My::Server"
    assert room.outputs(identity)["direct"] == "hi"
    assert len(nested(room, identity.stack_id)) == 1


def test_a_nested_delete_that_fails_tells_the_path_and_can_be_tried_again(room: EngineRoom) -> None:
    identity = room.create("outer", outer(), files={"inner.yaml": INNER})
    room.wait(identity)
    room.bench.fails.add((DELETE, "x"))
    room.delete(identity)
    stack = room.wait(identity)

    assert str(stack.state) == "DELETE_FAILED"
    assert "resources.m.resources.x: x was told to fail" in stack.reason

    room.bench.fails.clear()
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


def test_a_parent_that_is_deleted_while_the_nested_stack_is_being_created_takes_it_along(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "x"))
    identity = room.create("outer", outer(), files={"inner.yaml": INNER})
    room.bench.until_called(CREATE, "x", times=2)
    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert nested(room, identity.stack_id) == []
    assert room.bench.built == {}


def test_an_update_supersedes_the_update_of_a_nested_stack(room: EngineRoom) -> None:
    files = {"inner.yaml": INNER}
    identity = room.create("outer", outer("1"), files=files)
    room.wait(identity)
    room.bench.waits.add((UPDATE, "x"))
    room.update(identity, outer("2"), files=files)
    room.bench.until_called(UPDATE, "x", times=2)
    room.update(identity, outer("3"), files=files)
    room.bench.waits.clear()

    assert str(room.wait(identity).state) == "UPDATE_COMPLETE"
    assert room.outputs(identity) == {"direct": "3", "deep": "3"}


DEEP = {"middle.yaml": hot({"in": {"_type": "inner.yaml"}}), "inner.yaml": INNER}
WIDE = {"inner.yaml": hot({"x": {}, "y": {}})}
TWO_WIDE = hot({"m": {"_type": "inner.yaml"}, "n": {"_type": "inner.yaml", "_depends_on": "m"}})
ONE_WIDE = hot({"m": {"_type": "inner.yaml"}, "n": {"_depends_on": "m"}})
NO_LIMITS = TemplateLimits(max_resources=-1)


@pytest.mark.parametrize(
    ("limits", "template", "files", "says"),
    [
        pytest.param(
            Limits(max_nested_stack_depth=1), hot({"mid": {"_type": "middle.yaml"}}), DEEP, "deep", id="too deep"
        ),
        pytest.param(
            Limits(max_resources_per_stack=5), TWO_WIDE, WIDE, "at most 5", id="too many resources in the tree"
        ),
    ],
)
def test_what_the_files_show_to_be_too_much_is_refused_at_once(
    tmp_path: Path, limits: Limits, template: str, files: dict[str, str], says: str
) -> None:
    with EngineRoom(tmp_path, limits=limits) as room:
        with pytest.raises(EngineError, match=says):
            room.create("s", template, files=files)

        assert room.stacks.count(ME, ListStacks()) == 0


def test_a_stack_nested_deeper_than_allowed_is_not_created(tmp_path: Path) -> None:
    """The engine's own check, for what was stored under another limit."""
    with EngineRoom(tmp_path, limits=Limits(max_nested_stack_depth=1), template_limits=NO_LIMITS) as room:
        stack = room.wait(room.create("top", hot({"mid": {"_type": "middle.yaml"}}), files=DEEP))

        assert str(stack.state) == "CREATE_FAILED"
        assert "stacks may be nested 1 deep" in stack.reason


def test_the_resources_of_a_whole_tree_are_limited_together(tmp_path: Path) -> None:
    """The engine's own check, against what is there by then."""
    with EngineRoom(tmp_path, limits=Limits(max_resources_per_stack=4), template_limits=NO_LIMITS) as room:
        too_many = room.create("two", TWO_WIDE, files=WIDE)
        just_enough = room.create("one", ONE_WIDE, files=WIDE)
        stack = room.wait(too_many)

        assert str(stack.state) == "CREATE_FAILED"
        assert "resources in one tree of stacks" in stack.reason
        assert str(room.wait(just_enough).state) == "CREATE_COMPLETE"


def test_an_update_inside_a_tree_is_limited_like_its_creation(tmp_path: Path) -> None:
    outer = hot({"box": {"_type": "in.yaml"}})
    small, large = hot({"a": {}}), hot({"a": {}, "b": {}, "c": {}, "d": {}})
    with EngineRoom(tmp_path, limits=Limits(max_resources_per_stack=4), template_limits=NO_LIMITS) as room:
        identity = room.create("s", outer, files={"in.yaml": small})
        room.wait(identity)
        room.update(identity, outer, files={"in.yaml": large})
        stack = room.wait(identity)

        assert str(stack.state) == "UPDATE_FAILED"
        assert "that would be 5 resources in one tree of stacks; the limit is 4" in stack.reason


def test_a_template_stands_for_no_stack_that_exists(room: EngineRoom) -> None:
    """It would read, change and delete any stack whose id somebody knows."""
    theirs = room.create("theirs", INNER)
    room.wait(theirs)

    with pytest.raises(TemplateInvalid, match=r"external_id: a template can't stand for a thing that exists"):
        room.create("s", hot({"box": {"_type": "in.yaml", "_external_id": theirs.stack_id}}), files={"in.yaml": INNER})


def test_a_resource_reaches_no_nested_stack_but_its_own(room: EngineRoom) -> None:
    files = {"in.yaml": INNER}
    mine, theirs = (room.create(name, hot({"box": {"_type": "in.yaml"}}), files=files) for name in ("mine", "theirs"))
    stack, row = room.wait(mine), room.row(mine, "box")
    room.wait(theirs)
    strange = room.row(theirs, "box").nested_stack_id
    assert strange is not None
    with room.db.read() as tx:
        port = room.nesting.within(stack, row, room.machinery.declared.walked(tx, stack))

    assert port.get(strange) is None
    with pytest.raises(KeyError):
        port.output(strange, "o")
    with pytest.raises(EngineError) as caught:
        port.inner(strange, "x", ())
    assert caught.value.code is Code.RESOURCE_NOT_FOUND
    with pytest.raises(EngineError) as caught:
        port.update(strange, "token", NestedRequest(INNER, "in.yaml"))
    assert caught.value.code is Code.STACK_NOT_FOUND
    assert port.delete(strange) is None
    assert room.stack(strange).state == (Action.CREATE, Status.COMPLETE)


def test_a_parameter_of_a_nested_stack_may_be_immutable(room: EngineRoom) -> None:
    inner = hot({"leaf": {"value": {"get_param": "p"}}}, parameters={"p": {"type": "string", "immutable": True}})
    identity = room.create("s", hot({"box": {"_type": "in.yaml", "p": "1"}}), files={"in.yaml": inner})
    room.wait(identity)

    room.update(identity, hot({"box": {"_type": "in.yaml", "p": "2"}}), files={"in.yaml": inner})
    stack = room.wait(identity)

    assert stack.state == (Action.UPDATE, Status.FAILED)
    assert "immutable and may not be updated: p" in stack.reason


def test_a_rollback_leads_back_past_a_parameter_that_is_immutable_again(room: EngineRoom) -> None:
    def inner(*, immutable: bool) -> str:
        parameter = {"type": "string", "immutable": immutable}
        return hot({"leaf": {"value": {"get_param": "p"}}}, parameters={"p": parameter})

    identity = room.create("s", hot({"box": {"_type": "in.yaml", "p": "1"}}), files={"in.yaml": inner(immutable=True)})
    room.wait(identity)
    room.bench.fails.add((Action.CREATE, "last"))

    loose = hot({"box": {"_type": "in.yaml", "p": "2"}, "last": {"_depends_on": "box"}})
    room.update(identity, loose, files={"in.yaml": inner(immutable=False)}, disable_rollback=False)

    assert room.wait(identity).state == (Action.ROLLBACK, Status.COMPLETE)
