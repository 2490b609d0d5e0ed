"""The bus: events of a tree to those who watch that tree."""

from __future__ import annotations

from engine.model.ids import StackId
from engine.model.records import EventRecord
from engine.runtime.bus import Bus
from kit import stored

ONE, TWO = StackId("one"), StackId("two")


def event(root: StackId, number: int) -> EventRecord:
    return stored.event(stored.stack(root_id=root), position=number)


def test_events_reach_the_subscribers_of_their_tree_in_order() -> None:
    bus, seen, other = Bus(), [], []
    bus.subscribe(ONE, seen.extend)
    bus.subscribe(TWO, other.extend)
    bus.publish([event(ONE, 1), event(TWO, 2), event(ONE, 3)])

    assert [one.position for one in seen] == [1, 3]
    assert [one.position for one in other] == [2]


def test_all_subscribers_of_a_tree_hear_and_one_that_left_hears_nothing_more() -> None:
    bus, stays, gone = Bus(), [], []
    leaving = gone.extend
    bus.subscribe(ONE, stays.extend)
    bus.subscribe(ONE, leaving)
    bus.publish([event(ONE, 1)])
    bus.unsubscribe(ONE, leaving)
    bus.unsubscribe(ONE, leaving)
    bus.publish([event(ONE, 2)])

    assert [one.position for one in stays] == [1, 2]
    assert [one.position for one in gone] == [1]


def test_what_nobody_watches_is_published_to_nobody() -> None:
    bus, seen = Bus(), []
    bus.publish([event(ONE, 1)])
    bus.subscribe(ONE, seen.extend)
    bus.publish([])

    assert seen == []
