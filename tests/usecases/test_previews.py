"""What a create or an update would do, told before it is done, and nothing done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import NO_STACK, StackIdentity
from engine.model.states import Action, Status
from engine.store import stacks
from engine.usecases.commands import CreateStack, Given, Options, UpdateStack
from engine.usecases.stacks import ListStacks
from kit.engine_room import ME, EngineRoom, hot

ONE = hot({"it": {}})


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


def test_preview_of_a_create_stores_nothing_and_shows_what_would_be(room: EngineRoom) -> None:
    template = hot({"a": {"value": "x"}, "b": {"value": {"get_resource": "a"}, "fixed": "f"}})
    view = room.stacks.preview(ME, CreateStack("s", Given(template), Options(tags=["t"])))
    shown = {one.record.name: one.properties for one in view.resources}

    assert (view.stack.id, view.stack.name, view.stack.tags) == (NO_STACK, "s", ("t",))
    assert shown["a"]["value"] == "x"
    assert (shown["b"]["value"], shown["b"]["fixed"]) == (None, "f"), "an id that is not there yet is unknown"
    assert view.resources[0].required_by == ["b"]
    assert room.stacks.count(ME, ListStacks()) == 0
    assert room.bench.calls == []


@pytest.mark.parametrize(
    ("name", "template", "code"),
    [
        pytest.param("s", ONE, Code.STACK_EXISTS, id="a taken name"),
        pytest.param("1", ONE, Code.STACK_VALIDATION_FAILED, id="a bad name"),
        pytest.param("t", "", Code.INVALID_ARGUMENT, id="no template"),
    ],
)
def test_preview_of_a_create_makes_the_checks_of_a_create(
    room: EngineRoom, name: str, template: str, code: Code
) -> None:
    created(room)

    assert refused(lambda: room.stacks.preview(ME, CreateStack(name, Given(template)))).code is code


def test_preview_of_an_update_sorts_every_resource_into_one_of_five(room: EngineRoom) -> None:
    identity = created(
        room,
        hot(
            {
                "same": {"value": "1"},
                "changed": {"value": "1"},
                "replaced": {"fixed": "1"},
                "gone": {},
                "follower": {"fixed": {"get_resource": "replaced"}},
                "reader": {"value": {"get_resource": "replaced"}},
            }
        ),
    )
    before = room.stack(identity.stack_id), room.rows(identity.stack_id), list(room.bench.calls)
    target = hot(
        {
            "same": {"value": "1"},
            "changed": {"value": "2"},
            "replaced": {"fixed": "2"},
            "new": {},
            "follower": {"fixed": {"get_resource": "replaced"}},
            "reader": {"value": {"get_resource": "replaced"}},
        }
    )
    told = room.stacks.preview_update(ME, UpdateStack(identity, Given(target)))
    names = {
        bucket: sorted(one.record.name for one in getattr(told, bucket))
        for bucket in ("unchanged", "updated", "replaced", "added", "deleted")
    }

    assert names == {
        "unchanged": ["same"],
        "updated": ["changed", "reader"],
        "replaced": ["follower", "replaced"],
        "added": ["new"],
        "deleted": ["gone"],
    }
    assert (room.stack(identity.stack_id), room.rows(identity.stack_id), room.bench.calls) == before


def test_what_a_preview_of_an_update_tells_is_what_the_update_does(room: EngineRoom) -> None:
    identity = created(room, hot({"a": {"fixed": "1"}, "b": {"value": {"get_resource": "a"}}, "c": {}}))
    target = hot({"a": {"fixed": "2"}, "b": {"value": {"get_resource": "a"}}, "c": {}})
    told = room.stacks.preview_update(ME, UpdateStack(identity, Given(target)))
    before = {row.name: (row.id, row.version) for row in room.rows(identity.stack_id)}
    room.update(identity, target)
    room.wait(identity)
    after = {row.name: (row.id, row.version) for row in room.rows(identity.stack_id)}

    assert {one.record.name for one in told.replaced} == {name for name in after if after[name][0] != before[name][0]}
    assert {one.record.name for one in told.unchanged} == {name for name in after if after[name] == before[name]}


@pytest.mark.parametrize("action", [Action.SUSPEND, Action.DELETE])
def test_preview_of_an_update_is_told_in_any_state(room: EngineRoom, action: Action) -> None:
    identity = created(room)
    in_state(room, identity, action, Status.FAILED)
    told = room.stacks.preview_update(ME, UpdateStack(identity, Given(ONE)))

    assert [one.record.name for one in told.unchanged] == ["it"]


INNER = hot({"leaf": {"value": {"get_param": "size"}}}, parameters={"size": {"type": "string", "default": "s"}})
OUTER = hot({"box": {"_type": "inner.yaml"}, "plain": {}})


def test_preview_of_a_create_shows_what_is_nested(room: EngineRoom) -> None:
    given = Given(OUTER, files={"inner.yaml": INNER})

    view = room.stacks.preview(ME, CreateStack("s", given))

    box, plain = view.resources
    assert [(one.record.name, one.properties["value"], one.stack.parent_resource) for one in box.resources] == [
        ("leaf", "s", "box")
    ]
    assert plain.resources == ()


def test_preview_of_an_update_tells_of_nested_resources_where_it_is_asked_to(room: EngineRoom) -> None:
    identity = created(room, OUTER, files={"inner.yaml": INNER})
    wider = INNER.replace('"s"', '"t"')
    assert wider != INNER

    def preview(*, show_nested: bool, template: str = OUTER) -> dict[str, list[str]]:
        given = Given(template, files={"inner.yaml": wider})
        found = room.stacks.preview_update(ME, UpdateStack(identity, given, show_nested=show_nested))
        buckets = ("unchanged", "updated", "replaced", "added", "deleted")
        return {name: sorted(one.record.name for one in getattr(found, name)) for name in buckets}

    assert preview(show_nested=False)["updated"] == ["box"]
    assert preview(show_nested=True)["updated"] == ["box", "leaf"]
    assert preview(show_nested=True, template=hot({"plain": {}}))["deleted"] == ["box", "leaf"]
    assert preview(show_nested=True, template=hot({"box2": {"_type": "inner.yaml"}}))["added"] == ["box2", "leaf"]
