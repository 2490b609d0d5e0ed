"""Which stack is meant, and whether it is the caller's to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import Caller
from engine.usecases import access
from engine.usecases.commands import Given, UpdateStack
from engine.usecases.stacks import ListStacks
from kit.engine_room import ME, EngineRoom, hot

STRANGER = Caller("other")
UUID = "0b6f0f5e-6f2a-4a0d-8a4e-2f0e9b1c7d11"


@pytest.fixture
def identity(room: EngineRoom) -> StackIdentity:
    identity = room.create("web", hot({"it": {}}))
    room.wait(identity)
    return identity


def resolve(room: EngineRoom, identity: StackIdentity, caller: Caller = ME, **options: bool) -> str:
    with room.db.read() as tx:
        return access.resolve(tx, caller, identity, **options).id


def code(room: EngineRoom, identity: StackIdentity, caller: Caller = ME, **options: bool) -> Code:
    with pytest.raises(EngineError) as refused:
        resolve(room, identity, caller, **options)
    return refused.value.code


def test_a_full_identity_must_match_in_every_part(room: EngineRoom, identity: StackIdentity) -> None:
    assert resolve(room, identity) == identity.stack_id
    assert code(room, replace(identity, stack_name="db")) is Code.STACK_NOT_FOUND
    assert code(room, replace(identity, stack_id=UUID)) is Code.STACK_NOT_FOUND
    assert code(room, replace(identity, path="/resources/it")) is Code.STACK_NOT_FOUND


@pytest.mark.parametrize("tenant", ["", "default"])
def test_a_name_or_an_id_alone_is_enough(room: EngineRoom, identity: StackIdentity, tenant: str) -> None:
    for name, stack_id in ((identity.stack_name, ""), ("", identity.stack_id), (identity.stack_id, "")):
        assert resolve(room, StackIdentity(tenant, name, stack_id)) == identity.stack_id


def test_an_empty_identity_names_nothing(room: EngineRoom, identity: StackIdentity) -> None:
    assert code(room, StackIdentity("", "", "")) is Code.STACK_NOT_FOUND


def test_a_foreign_stack_is_not_found_and_never_forbidden(room: EngineRoom, identity: StackIdentity) -> None:
    known = [replace(identity, tenant="other"), replace(identity, tenant=""), StackIdentity("", "", identity.stack_id)]

    assert {code(room, one, STRANGER) for one in known} == {Code.STACK_NOT_FOUND}
    with pytest.raises(EngineError) as refused:
        room.stacks.identify(STRANGER, identity.stack_id)
    assert refused.value.code is Code.STACK_NOT_FOUND


def test_an_identity_of_another_tenant_is_refused_as_such(room: EngineRoom, identity: StackIdentity) -> None:
    with pytest.raises(EngineError) as refused:
        resolve(room, replace(identity, tenant="other"))

    assert refused.value.code is Code.INVALID_TENANT
    assert refused.value.fields == {"target": "other", "actual": "default"}


def test_every_call_is_bound_to_the_callers_project(room: EngineRoom, identity: StackIdentity) -> None:
    bare = StackIdentity("", identity.stack_name, identity.stack_id)
    calls = [
        lambda: room.stacks.show(STRANGER, bare, page=ListStacks()),
        lambda: room.stacks.update(STRANGER, UpdateStack(bare, Given(hot({})))),
        lambda: room.stacks.preview_update(STRANGER, UpdateStack(bare, Given(hot({})))),
        lambda: room.stacks.delete(STRANGER, bare),
        lambda: room.stacks.identify(STRANGER, "web"),
    ]
    for call in calls:
        with pytest.raises(EngineError) as refused:
            call()
        assert refused.value.code is Code.STACK_NOT_FOUND

    assert room.stacks.list(STRANGER, ListStacks(show_nested=True, show_deleted=True)) == ([], "")
    assert room.stacks.count(STRANGER, ListStacks()) == 0
    assert str(room.stack(identity.stack_id).state) == "CREATE_COMPLETE"


def test_identify_finds_by_name_and_by_id(room: EngineRoom, identity: StackIdentity) -> None:
    assert room.stacks.identify(ME, "web") == identity
    assert room.stacks.identify(ME, identity.stack_id) == identity


def test_identify_finds_a_name_that_looks_like_an_id(room: EngineRoom) -> None:
    looks = "a" + UUID[1:]
    named = room.create(looks, hot({}))

    assert room.stacks.identify(ME, looks) == named
    assert named.stack_id != looks


@pytest.mark.parametrize("missing", ["nothing", UUID, ""])
def test_identify_of_what_is_not_there_is_refused(room: EngineRoom, missing: str) -> None:
    with pytest.raises(EngineError) as refused:
        room.stacks.identify(ME, missing)

    assert refused.value.code is Code.STACK_NOT_FOUND


def test_a_deleted_stack_is_found_by_id_where_asked_for_and_never_by_name(
    room: EngineRoom, identity: StackIdentity
) -> None:
    room.delete(identity)
    room.wait(identity)

    assert room.stacks.identify(ME, identity.stack_id) == identity
    assert resolve(room, identity, show_deleted=True) == identity.stack_id
    assert code(room, identity) is Code.STACK_NOT_FOUND
    assert code(room, StackIdentity("", "web", ""), show_deleted=True) is Code.STACK_NOT_FOUND


def test_nested_stacks_resolve_by_name_too(room: EngineRoom) -> None:
    identity = room.create("outer", hot({"m": {"_type": "inner.yaml"}}), files={"inner.yaml": hot({"it": {}})})
    room.wait(identity)
    inner = room.stack(str(room.row(identity, "m").nested_stack_id))

    assert room.stacks.identify(ME, inner.name) == inner.identity
