from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from isotherm.v1 import common_pb2, event_pb2, stack_pb2

from kit import served as engines
from kit.served import HOT, PATIENCE, Refused, Served

TEXT = f"{HOT}resources:\n  text: {{type: OS::Heat::RandomString, properties: {{length: 3}}}}\n"
OUTER = f"{HOT}resources:\n  box: {{type: box.yaml}}\n"
FILES = {"box.yaml": TEXT}


def listed(served: Served, **fields: Any) -> list[event_pb2.Event]:
    return list(served.call("ListEvents", event_pb2.ListEventsRequest(**fields)).events)


def told(events: list[event_pb2.Event]) -> list[tuple[str, str]]:
    """Return what the events tell: of what, and its state."""
    action, status = common_pb2.ResourceAction.Name, common_pb2.Status.Name
    return [
        (
            one.resource_name,
            f"{action(one.resource_action).removeprefix('RESOURCE_ACTION_')}_"
            f"{status(one.resource_status).removeprefix('STATUS_')}",
        )
        for one in events
    ]


@pytest.fixture(scope="module")
def stack(served: Served) -> common_pb2.StackIdentity:
    return served.create("story", TEXT)


@pytest.fixture(scope="module")
def outer(served: Served) -> common_pb2.StackIdentity:
    return served.create("tree", OUTER, files=FILES)


STORY = [
    ("story", "CREATE_IN_PROGRESS"),
    ("text", "CREATE_IN_PROGRESS"),
    ("text", "CREATE_COMPLETE"),
    ("story", "CREATE_COMPLETE"),
]


def test_every_change_has_its_event_newest_first(served: Served, stack: common_pb2.StackIdentity) -> None:
    events = listed(served, stack_identity=stack)

    assert told(events) == STORY[::-1]
    first = events[-1]
    assert first.event_identity.path == f"/resources/story/events/{first.event_id}"
    assert (first.resource_type, first.physical_resource_id) == ("OS::Heat::Stack", stack.stack_id)
    assert first.resource_status_reason == "Stack CREATE started"
    assert not first.HasField("root_stack_id")
    assert not first.HasField("resource_properties")


def test_the_direction_can_be_turned(served: Served, stack: common_pb2.StackIdentity) -> None:
    assert told(listed(served, stack_identity=stack, sort_dir=common_pb2.SORT_DIR_ASC)) == STORY


def test_pages_follow_each_other(served: Served, stack: common_pb2.StackIdentity) -> None:
    request = event_pb2.ListEventsRequest(stack_identity=stack, limit=3, sort_dir=common_pb2.SORT_DIR_ASC)
    first = served.call("ListEvents", request)
    request.marker = first.next_marker
    second = served.call("ListEvents", request)

    assert told([*first.events, *second.events]) == STORY
    assert (len(second.events), second.next_marker) == (1, "")
    assert listed(served, stack_identity=stack, limit=0) == []


def test_filters(served: Served, stack: common_pb2.StackIdentity) -> None:
    complete = event_pb2.EventFilters(resource_status=["COMPLETE"], resource_type=["OS::Heat::RandomString"])
    named = event_pb2.EventFilters(resource_name=["text", "story"], resource_action=["DELETE"])

    assert told(listed(served, stack_identity=stack, filters=complete)) == [("text", "CREATE_COMPLETE")]
    assert listed(served, stack_identity=stack, filters=named) == []


def test_one_event_by_its_id_carries_the_properties(served: Served, stack: common_pb2.StackIdentity) -> None:
    wanted = next(one for one in listed(served, stack_identity=stack) if one.resource_name == "text")

    (found,) = listed(served, stack_identity=stack, filters=event_pb2.EventFilters(uuid=[wanted.event_id]))

    assert found.event_id == wanted.event_id
    assert found.resource_properties["length"] == 3


def test_nested_events_say_which_root(served: Served, outer: common_pb2.StackIdentity) -> None:
    alone = listed(served, stack_identity=outer)
    deep = listed(served, stack_identity=outer, nested_depth=1)

    assert len(alone) == 4
    assert len(deep) == 8
    assert {one.root_stack_id.stack_id for one in deep} == {outer.stack_id}
    assert len({one.stack_identity.stack_id for one in deep}) == 2


def test_a_nested_stack_tells_of_itself_and_below_only(served: Served, outer: common_pb2.StackIdentity) -> None:
    deep = listed(served, stack_identity=outer, nested_depth=1)
    nested = next(one.stack_identity for one in deep if one.stack_identity != outer)

    events = listed(served, stack_identity=nested, nested_depth=1)

    assert {one.stack_identity.stack_id for one in events} == {nested.stack_id}
    assert {one.root_stack_id.stack_id for one in events} == {outer.stack_id}
    assert len(events) == 4


def test_without_a_stack_all_of_the_project_is_told(served: Served, outer: common_pb2.StackIdentity) -> None:
    names = {one.stack_name for one in listed(served)}

    assert "tree" in names
    assert any(name.startswith("tree-box-") for name in names)
    assert served.call("ListEvents", x_project_id="blue").events == []


def test_the_events_of_a_deleted_stack_stay(served: Served) -> None:
    identity = served.create("gone", TEXT)
    served.delete(identity)

    assert len(listed(served, stack_identity=identity)) == 8


@pytest.mark.parametrize("rpc", ["ListEvents", "WatchEvents"])
def test_a_negative_depth_is_refused(served: Served, rpc: str) -> None:
    wanted = {"ListEvents": event_pb2.ListEventsRequest, "WatchEvents": event_pb2.WatchEventsRequest}[rpc]
    with pytest.raises(grpc.RpcError) as refused:
        list(served.call(rpc, wanted(nested_depth=-1)))

    assert [field for field, _ in Refused(refused.value).violations] == ["nested_depth"]


class Watcher:
    """An open stream of events."""

    def __init__(self, served: Served, **fields: Any) -> None:
        self.call = served.stub.WatchEvents(event_pb2.WatchEventsRequest(**fields), timeout=PATIENCE)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.call.cancel()

    def stands(self) -> Watcher:
        """Wait until the engine has begun the stream."""
        self.call.initial_metadata()
        return self

    def take(self, count: int) -> list[event_pb2.Event]:
        """Return so many events, waiting for them."""
        return [next(self.call).event for _ in range(count)]


def test_watchers_who_ask_for_the_tree_learn_its_root_and_others_do_not(
    served: Served, stack: common_pb2.StackIdentity
) -> None:
    """All of them watch the same events at the same time."""
    with (
        Watcher(served, stack_identity=stack) as plain,
        Watcher(served, stack_identity=stack, nested_depth=1) as deep,
        Watcher(served, stack_identity=stack) as another,
    ):
        events = [watcher.take(4) for watcher in (plain, deep, another)]

    assert [told(found) for found in events] == [STORY] * 3
    roots = [{event.root_stack_id.stack_id for event in found} for found in events]
    assert roots == [{""}, {stack.stack_id}, {""}]
    assert events[0] == events[2]


def test_a_watcher_gets_what_was_and_then_what_comes(served: Served) -> None:
    identity = served.create("watched", TEXT)
    with Watcher(served, stack_identity=identity) as watcher:
        past = watcher.take(4)
        served.delete(identity)
        future = watcher.take(4)

    assert [text for _, text in told(past)] == [text for _, text in STORY]
    assert told(future) == [
        ("watched", "DELETE_IN_PROGRESS"),
        ("text", "DELETE_IN_PROGRESS"),
        ("text", "DELETE_COMPLETE"),
        ("watched", "DELETE_COMPLETE"),
    ]


def test_a_watcher_resumes_after_the_last_event_that_it_saw(served: Served, stack: common_pb2.StackIdentity) -> None:
    with Watcher(served, stack_identity=stack) as watcher:
        seen = watcher.take(2)
    with Watcher(served, stack_identity=stack, after_event_id=seen[-1].event_id) as watcher:
        assert told(watcher.take(2)) == STORY[2:]


def test_a_watcher_of_what_is_new_gets_no_past(served: Served) -> None:
    identity = served.create("news", TEXT)
    with Watcher(served, stack_identity=identity, only_new=True).stands() as watcher:
        served.delete(identity)
        (first,) = watcher.take(1)

    assert told([first]) == [("news", "DELETE_IN_PROGRESS")]


def test_a_watcher_sees_nested_stacks_that_come_up_later(served: Served) -> None:
    identity = served.create("growing", HOT)
    with Watcher(served, stack_identity=identity, only_new=True, nested_depth=1).stands() as watcher:
        update = stack_pb2.UpdateStackRequest(stack_identity=identity, template=OUTER, files=FILES)
        served.call("UpdateStack", update)
        events = watcher.take(8)

    assert told([events[-1]]) == [("growing", "UPDATE_COMPLETE")]
    assert {one.resource_name for one in events} >= {"growing", "box", "text"}
    assert {one.root_stack_id.stack_name for one in events} == {"growing"}


def test_a_watcher_of_a_stack_alone_hears_nothing_of_nested_ones(
    served: Served, outer: common_pb2.StackIdentity
) -> None:
    with Watcher(served, stack_identity=outer) as watcher:
        events = watcher.take(4)

    assert {one.stack_name for one in events} == {"tree"}
    assert not any(one.HasField("root_stack_id") for one in events)


def test_without_a_stack_the_whole_project_is_watched(served: Served) -> None:
    with Watcher(served, only_new=True).stands() as watcher:
        served.call("CreateStack", stack_pb2.CreateStackRequest(stack_name="other", template=HOT), x_project_id="blue")
        served.create("mine", HOT)
        events = watcher.take(2)

    assert told(events) == [("mine", "CREATE_IN_PROGRESS"), ("mine", "CREATE_COMPLETE")]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(lambda *_: "no-such-event", id="no event at all"),
        pytest.param(lambda served, outer: listed(served, stack_identity=outer)[0].event_id, id="another stack's"),
    ],
)
def test_an_event_that_is_none_of_the_stack_is_not_found(
    served: Served, stack: common_pb2.StackIdentity, outer: common_pb2.StackIdentity, after: Any
) -> None:
    with (
        Watcher(served, stack_identity=stack, after_event_id=after(served, outer)) as watcher,
        pytest.raises(grpc.RpcError) as refused,
    ):
        watcher.take(1)

    assert Refused(refused.value).reason == "EVENT_NOT_FOUND"


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Served]]:
    """Yield an engine with two threads for calls, and a client."""
    with engines.engine(tmp_path_factory.mktemp("small"), rpc_workers=2) as running:
        yield running


def test_watchers_hold_no_threads(small: tuple[Any, Served]) -> None:
    _, client = small
    watchers = [Watcher(client, only_new=True).stands() for _ in range(20)]
    client.create("seen-by-all", HOT)

    assert [told(watcher.take(1)) for watcher in watchers] == [[("seen-by-all", "CREATE_IN_PROGRESS")]] * 20
    for watcher in watchers:
        watcher.call.cancel()


def test_a_watcher_is_told_when_the_engine_stops(small: tuple[Any, Served]) -> None:
    engine, client = small
    with Watcher(client, only_new=True).stands() as watcher:
        engine.stop()
        with pytest.raises(grpc.RpcError) as ended:
            watcher.take(1)

    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert Refused(ended.value).reason == "SHUTTING_DOWN"
