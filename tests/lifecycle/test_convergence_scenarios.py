"""Twenty-one small histories of one world, each of which went wrong in some engine before (engine.md §6.8).

The world: A and B stand alone, C is built after both, D holds C's id and E reads C's value. What C takes from A can't
change in place: a new value of A means a new C.

create: 1 all of it; 2 rolled back midway; 3 deleted early; 4 a graph in two parts.
update: 5 shrink; 6 extend; 7 both in a row, then delete; 8 extend while the create is under way; 9 change what that
create has not reached; 10 change what it has built.
rollback of an update: 11 of an addition, midway; 12 very early; 13 of a removal, before the clean-up.
replace: 14 because of a parent's attribute; 15 with inverted dependencies; 16 with a clean-up that is missed, then
updated; 17 then deleted; 18 rolled back.
rename: 19 C becomes newC; 20 rolled back; 21 rolled back and tried again meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.model.ids import StackIdentity
from engine.model.records import ResourceRecord
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import EngineRoom, Resources, hot

Rows = Mapping[str, ResourceRecord]

A_THEN_C_THEN_E = ("A CREATE_COMPLETE", "C CREATE_IN_PROGRESS", "C CREATE_COMPLETE", "E CREATE_IN_PROGRESS")


def id_of(name: str) -> dict[str, Any]:
    return {"value": {"get_resource": name}}


def value_of(name: str) -> dict[str, Any]:
    return {"value": {"get_attr": [name, "value"]}}


def c() -> dict[str, Any]:
    return {"value": "c", "fixed": {"get_attr": ["A", "value"]}, "_depends_on": ["B"]}


def world(**others: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the five, with some declared otherwise, and more if named."""
    return {"A": {"value": "a"}, "B": {}, "C": c(), "D": id_of("C"), "E": value_of("C"), **others}


def renamed(**others: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the five, C under another name."""
    return {"A": {"value": "a"}, "B": {}, "newC": c(), "D": id_of("newC"), "E": value_of("newC"), **others}


def fails_before_e(reads: str) -> dict[str, Mapping[str, Any]]:
    """Return what makes an update fail once D has been visited and before E is: so the clean-up is not reached."""
    return {"bad": {"_depends_on": ["D"]}, "E": {**value_of(reads), "_depends_on": ["bad"]}}


def built(room: EngineRoom, resources: Resources, **options: Any) -> tuple[StackIdentity, Rows]:
    """Create the stack, and forget the calls that it took."""
    identity = room.create("s", hot(resources), **options)
    rows = settled(room, identity, "CREATE_COMPLETE", *resources)
    room.bench.calls.clear()
    return identity, rows


def settled(room: EngineRoom, identity: StackIdentity, state: str, *names: str) -> Rows:
    """Wait for the end and return the rows: one of each name, all well, with nothing beside them at the provider."""
    stack = room.wait(identity)
    rows = room.rows(stack.id)

    assert str(stack.state) == state
    assert sorted(row.name for row in rows) == sorted(names)
    assert [row.name for row in rows if not row.is_built or row.pending is not None] == []
    assert {other for row in rows for other in row.requires} <= {row.id for row in rows}
    assert room.bench.built == {row.id: row.name for row in rows}
    assert set(room.bench.creations.values()) <= {1}, "nothing was built twice"
    return {row.name: row for row in rows}


def gone(room: EngineRoom, identity: StackIdentity, state: str = "DELETE_COMPLETE") -> None:
    """Wait for the end of a stack of which nothing is left."""
    assert settled(room, identity, state) == {}


def same(names: str, before: Rows, after: Rows) -> bool:
    """Return whether these are still the same rows and the same things."""
    return all((after[n].id, after[n].physical_id) == (before[n].id, before[n].physical_id) for n in names)


def there(room: EngineRoom, identity: StackIdentity) -> Counter[str]:
    """Return how many rows of each name there are now."""
    return Counter(row.name for row in room.rows(identity.stack_id))


def in_order(told: Sequence[Any], *wanted: Any) -> bool:
    """Return whether these were told one after the other, whatever was between."""
    rest = iter(told)
    return all(one in rest for one in wanted)


def test_01_a_create_builds_what_is_used_before_what_uses_it(room: EngineRoom) -> None:
    identity = room.create("s", hot(world()))
    rows = settled(room, identity, "CREATE_COMPLETE", *"ABCDE")

    assert Counter(room.bench.calls) == Counter((CREATE, name) for name in "ABCDE")
    told = room.history(identity)
    assert in_order(told, "s CREATE_IN_PROGRESS", *A_THEN_C_THEN_E, "s CREATE_COMPLETE")
    assert in_order(told, "B CREATE_COMPLETE", "C CREATE_IN_PROGRESS", "C CREATE_COMPLETE", "D CREATE_IN_PROGRESS")
    assert rows["C"].requires == {rows["A"].id, rows["B"].id}
    values = {name: rows[name].properties["value"] for name in "ADE"}
    assert values == {"A": "a", "D": rows["C"].physical_id, "E": "c"}
    assert rows["C"].properties["fixed"] == "a"


def test_02_a_create_that_is_rolled_back_midway_leaves_nothing(room: EngineRoom) -> None:
    room.bench.fails.add((CREATE, "C"))
    identity = room.create("s", hot(world()), disable_rollback=False)
    gone(room, identity, "ROLLBACK_COMPLETE")

    calls = room.bench.calls
    assert sorted(calls[:3]) == [(CREATE, name) for name in "ABC"]
    assert calls[3] == (DELETE, "C"), "before what it was built against"
    assert sorted(calls[4:]) == [(DELETE, "A"), (DELETE, "B")]


def test_03_a_create_that_is_deleted_early_leaves_nothing(room: EngineRoom) -> None:
    """A is on its way when the delete comes: what was begun is recorded, and taken away again."""
    room.bench.hangs.add((CREATE, "A"))
    identity = room.create("s", hot(world()))
    room.bench.until_called(CREATE, "A")
    room.news.event("B", "CREATE_COMPLETE")
    room.delete(identity)
    room.bench.let_go()
    gone(room, identity)

    assert sorted(room.bench.calls) == [(CREATE, "A"), (CREATE, "B"), (DELETE, "A"), (DELETE, "B")]
    assert in_order(room.history(identity), "s DELETE_IN_PROGRESS", "A CREATE_COMPLETE", "A DELETE_COMPLETE")


def test_04_the_parts_of_a_disjoint_graph_do_not_wait_for_each_other(room: EngineRoom) -> None:
    parts = world(D={}, E=id_of("D"))
    room.bench.waits.add((CREATE, "B"))
    identity = room.create("s", hot(parts))
    room.bench.until_called(CREATE, "B", times=2)
    room.news.event("E", "CREATE_COMPLETE")

    assert "C CREATE_IN_PROGRESS" not in room.history(identity)

    room.bench.waits.clear()
    rows = settled(room, identity, "CREATE_COMPLETE", *"ABCDE")

    assert in_order(room.history(identity), "E CREATE_COMPLETE", "B CREATE_COMPLETE", "C CREATE_COMPLETE")
    assert (rows["D"].requires, rows["E"].requires) == (frozenset(), {rows["D"].id})


def test_05_an_update_that_shrinks_takes_away_users_first_and_touches_nothing_else(room: EngineRoom) -> None:
    identity, before = built(room, world())
    room.update(identity, hot({"A": {"value": "a"}, "B": {}}))
    after = settled(room, identity, "UPDATE_COMPLETE", *"AB")

    assert same("AB", before, after)
    assert sorted(room.bench.calls[:2]) == [(DELETE, "D"), (DELETE, "E")]
    assert room.bench.calls[2:] == [(DELETE, "C")]


def test_06_an_update_that_extends_builds_what_is_new_and_touches_nothing_else(room: EngineRoom) -> None:
    identity, before = built(room, world())
    room.update(identity, hot(world(F=value_of("E"), G={}, B={"_depends_on": ["G"]})))
    after = settled(room, identity, "UPDATE_COMPLETE", *"ABCDEFG")

    assert same("ABCDE", before, after)
    assert sorted(room.bench.calls) == [(CREATE, "F"), (CREATE, "G")]
    assert (after["B"].requires, after["F"].requires) == ({after["G"].id}, {after["E"].id})


def test_07_updates_one_after_the_other_and_a_delete_lose_nothing(room: EngineRoom) -> None:
    identity, before = built(room, world())
    room.update(identity, hot({"A": {"value": "a"}, "B": {}, "C": c()}))
    small = settled(room, identity, "UPDATE_COMPLETE", *"ABC")
    room.update(identity, hot(world(F=id_of("D"))))
    large = settled(room, identity, "UPDATE_COMPLETE", *"ABCDEF")
    room.delete(identity)
    gone(room, identity)

    assert (same("ABC", before, small), same("ABC", small, large)) == (True, True)
    assert {before["D"].id, before["E"].id}.isdisjoint({large["D"].id, large["E"].id})
    assert room.bench.creations.total() == len("ABCDEDEF")
    left = [name for action, name in room.bench.calls if action is DELETE][2:]
    assert in_order(left, "F", "D", "C", "A")
    assert in_order(left, "E", "C", "B")
    assert len(left) == len("ABCDEF")


def test_08_an_update_during_the_create_keeps_what_is_there_and_builds_the_rest_once(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "C"))
    identity = room.create("s", hot(world()))
    room.bench.until_called(CREATE, "C", times=2)
    early = {row.name: row for row in room.rows(identity.stack_id)}
    room.update(identity, hot(world(F=id_of("E"), G={})))
    room.news.event("G", "CREATE_COMPLETE")

    assert there(room, identity) == Counter("ABCG"), "what needs C waits for it still"

    room.bench.waits.clear()
    rows = settled(room, identity, "UPDATE_COMPLETE", *"ABCDEFG")

    assert same("ABC", early, rows)
    assert room.bench.creations.total() == len("ABCDEFG")


def test_09_what_an_interrupted_create_had_not_reached_is_built_as_the_update_says(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "C"))
    identity = room.create("s", hot(world()))
    room.bench.until_called(CREATE, "C", times=2)
    room.update(identity, hot(world(D={**id_of("C"), "fixed": "new"}, E={"value": "new"})))
    room.news.event("E", "CREATE_COMPLETE")  # it has no need of C any more
    room.bench.waits.clear()
    rows = settled(room, identity, "UPDATE_COMPLETE", *"ABCDE")

    assert {action for action, _ in room.bench.calls} == {CREATE}
    assert room.bench.creations.total() == len("ABCDE")
    assert (rows["D"].properties["fixed"], rows["E"].properties["value"]) == ("new", "new")
    assert rows["E"].requires == frozenset()


def test_10_what_an_interrupted_create_had_built_is_changed_as_the_update_says(room: EngineRoom) -> None:
    """A changes in place, B is replaced; for both C is built anew, though the first one is not finished yet."""
    room.bench.waits.add((CREATE, "C"))
    identity = room.create("s", hot(world()))
    room.bench.until_called(CREATE, "C", times=2)
    early = {row.name: row for row in room.rows(identity.stack_id)}
    room.update(identity, hot(world(A={"value": "a2"}, B={"fixed": "b2"})))
    room.news.event("C", "CREATE_IN_PROGRESS", times=2)

    assert there(room, identity) == Counter("ABBCC")

    room.bench.waits.clear()
    rows = settled(room, identity, "UPDATE_COMPLETE", *"ABCDE")

    assert same("A", early, rows)
    assert {early["B"].id, early["C"].id}.isdisjoint(row.id for row in rows.values())
    assert (rows["A"].properties["value"], rows["C"].properties["fixed"]) == ("a2", "a2")
    told = room.history(identity)
    assert in_order(told, "B CREATE_COMPLETE", "B CREATE_COMPLETE", "C DELETE_COMPLETE", "B DELETE_IN_PROGRESS")
    assert told.count("B DELETE_COMPLETE") == told.count("C DELETE_COMPLETE") == 1


def test_11_an_addition_that_is_rolled_back_midway_takes_only_itself_away(room: EngineRoom) -> None:
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "G"))
    room.update(identity, hot(world(F=id_of("E"), G=id_of("F"), H=id_of("G"))))
    after = settled(room, identity, "ROLLBACK_COMPLETE", *"ABCDE")

    assert after == before
    assert room.bench.calls == [(CREATE, "F"), (CREATE, "G"), (DELETE, "G"), (DELETE, "F")]


def test_12_an_addition_that_is_rolled_back_very_early_has_built_nothing(room: EngineRoom) -> None:
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "F"))
    room.update(identity, hot(world(F={}, G=id_of("F"), A={"value": "a", "_depends_on": ["G"]})))
    after = settled(room, identity, "ROLLBACK_COMPLETE", *"ABCDE")

    assert after == before, "A, which was to wait for what failed, was not reached"
    assert room.bench.calls == [(CREATE, "F"), (DELETE, "F")]


def test_13_a_removal_that_is_rolled_back_before_the_clean_up_keeps_what_was_there(room: EngineRoom) -> None:
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "bad"))
    without_a = world(C={"value": "c", "fixed": "a", "_depends_on": ["B"]}, **fails_before_e("C"))
    del without_a["A"]
    room.update(identity, hot(without_a))
    after = settled(room, identity, "ROLLBACK_COMPLETE", *"ABCDE")

    assert same("ABCDE", before, after)
    assert room.bench.calls == [(CREATE, "bad"), (DELETE, "bad")], "A was not deleted, and not replaced"
    assert after["C"].requires == {after["A"].id, after["B"].id}, "C depends on it again"


def test_14_a_new_value_of_a_parent_replaces_what_can_not_take_it_in_place(room: EngineRoom) -> None:
    identity, before = built(room, world())
    room.update(identity, hot(world(A={"value": "a2"})))
    after = settled(room, identity, "UPDATE_COMPLETE", *"ABCDE")

    assert room.bench.calls == [(UPDATE, "A"), (CREATE, "C"), (UPDATE, "D"), (DELETE, "C")], "E reads the same value"
    assert same("ABDE", before, after)
    assert (after["C"].id, after["C"].physical_id) != (before["C"].id, before["C"].physical_id)
    assert after["C"].properties["fixed"] == "a2"
    assert after["D"].properties["value"] == after["C"].physical_id
    assert after["D"].requires == after["E"].requires == {after["C"].id}


def test_15_dependencies_are_inverted_with_two_of_what_is_replaced_in_between(room: EngineRoom) -> None:
    identity, before = built(room, {"A": {}, "B": id_of("A")})
    room.bench.waits.add((CREATE, "A"))
    room.update(identity, hot({"A": {"fixed": {"get_resource": "B"}}, "B": {"value": "b"}}))
    room.bench.until_called(CREATE, "A", times=2)

    assert there(room, identity) == Counter("AAB")

    room.bench.waits.clear()
    after = settled(room, identity, "UPDATE_COMPLETE", *"AB")

    assert same("B", before, after)
    assert after["A"].id != before["A"].id
    assert after["A"].properties["fixed"] == after["B"].physical_id
    assert (after["A"].requires, after["B"].requires) == ({after["B"].id}, frozenset())
    told = room.history(identity)
    assert in_order(told, "B UPDATE_COMPLETE", "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "A DELETE_COMPLETE")


def missed_clean_up(room: EngineRoom) -> tuple[StackIdentity, Rows]:
    """Replace C and stop where the old one is still in use: D is being moved over to the new one."""
    identity, before = built(room, world())
    room.bench.waits.add((UPDATE, "D"))
    room.update(identity, hot(world(A={"value": "a2"})))
    room.bench.until_called(UPDATE, "D", times=2)

    assert there(room, identity) == Counter("ABCCDE")
    return identity, before


def test_16_a_clean_up_that_an_update_overtakes_is_made_up_for_by_it(room: EngineRoom) -> None:
    identity, before = missed_clean_up(room)
    room.update(identity, hot(world(A={"value": "a2"}, E={"value": "new"})))
    room.news.event("E", "UPDATE_COMPLETE")

    assert there(room, identity) == Counter("ABCCDE")
    (new,) = (row for row in room.rows(identity.stack_id) if row.name == "C" and row.id != before["C"].id)

    room.bench.waits.clear()
    after = settled(room, identity, "UPDATE_COMPLETE", *"ABCDE")

    assert same("ABDE", before, after)
    assert (after["C"].id, after["C"].physical_id) == (new.id, new.physical_id), "it was not replaced once more"
    assert room.bench.creations.total() == len("ABCDEC")
    assert room.bench.count(DELETE, "C") == 1
    assert in_order(room.history(identity), "E UPDATE_COMPLETE", "D UPDATE_COMPLETE", "C DELETE_COMPLETE")


def test_17_a_clean_up_that_a_delete_overtakes_is_part_of_it(room: EngineRoom) -> None:
    identity, _ = missed_clean_up(room)
    room.delete(identity)
    gone(room, identity)

    assert Counter(name for action, name in room.bench.calls if action is DELETE) == Counter("ABCCDE")
    told = room.history(identity)
    assert told.index("D DELETE_COMPLETE") < told.index("C DELETE_IN_PROGRESS"), "D may be using either"
    for parent in "AB":
        assert in_order(told, "C DELETE_COMPLETE", "C DELETE_COMPLETE", f"{parent} DELETE_IN_PROGRESS")


def test_18_a_replacement_that_is_rolled_back_gives_way_to_what_it_replaced(room: EngineRoom) -> None:
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot(world(A={"value": "a2"}, **fails_before_e("C"))))
    after = settled(room, identity, "ROLLBACK_COMPLETE", *"ABCDE")

    assert same("ABCDE", before, after)
    assert {name: row.properties for name, row in after.items()} == {n: row.properties for n, row in before.items()}
    there_and_back = [(UPDATE, "A"), (CREATE, "C"), (UPDATE, "D"), (CREATE, "bad"), (UPDATE, "A"), (UPDATE, "D")]
    assert in_order(room.bench.calls, *there_and_back, (DELETE, "C"))
    assert in_order(room.bench.calls, (CREATE, "bad"), (DELETE, "bad"), (DELETE, "C"))
    assert len(room.bench.calls) == len(there_and_back) + 2


def test_19_a_renamed_resource_is_built_before_the_old_one_goes(room: EngineRoom) -> None:
    identity, before = built(room, world())
    room.update(identity, hot(renamed()))
    after = settled(room, identity, "UPDATE_COMPLETE", *"ABDE", "newC")

    assert room.bench.calls == [(CREATE, "newC"), (UPDATE, "D"), (DELETE, "C")]
    assert same("ABDE", before, after)
    assert after["D"].properties["value"] == after["newC"].physical_id
    assert after["D"].requires == after["E"].requires == {after["newC"].id}


def test_20_a_renaming_that_is_rolled_back_finds_the_old_one_still_there(room: EngineRoom) -> None:
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot(renamed(**fails_before_e("newC"))))
    after = settled(room, identity, "ROLLBACK_COMPLETE", *"ABCDE")

    assert same("ABCDE", before, after)
    assert after["D"].properties["value"] == before["C"].physical_id
    assert after["D"].requires == after["E"].requires == {before["C"].id}
    there_and_back = [(CREATE, "newC"), (UPDATE, "D"), (CREATE, "bad"), (UPDATE, "D"), (DELETE, "newC")]
    assert in_order(room.bench.calls, *there_and_back)
    assert len(room.bench.calls) == len(there_and_back) + 1, "and bad, which is taken away"


def test_21_a_renaming_that_is_tried_again_during_its_rollback_ends_as_the_update_says(room: EngineRoom) -> None:
    """The first newC is on its way out and does not come back: another one is built."""
    identity, before = built(room, world(), disable_rollback=False)
    room.bench.fails.add((CREATE, "bad"))
    room.bench.waits.add((DELETE, "newC"))
    room.update(identity, hot(renamed(**fails_before_e("newC"))))
    room.bench.until_called(DELETE, "newC", times=2)
    (first,) = (row for row in room.rows(identity.stack_id) if row.name == "newC")
    room.update(identity, hot(renamed()))
    room.news.event("newC", "CREATE_COMPLETE", times=2)
    room.bench.waits.clear()
    after = settled(room, identity, "UPDATE_COMPLETE", *"ABDE", "newC")

    assert same("ABDE", before, after)
    assert (after["newC"].id, after["newC"].physical_id) != (first.id, first.physical_id)
    assert after["D"].properties["value"] == after["newC"].physical_id
    assert room.bench.creations.total() == len("ABCDE") + 2
    told = [one for one in room.history(identity) if one.startswith("s ")]
    assert told[-4:] == ["s UPDATE_FAILED", "s ROLLBACK_IN_PROGRESS", "s UPDATE_IN_PROGRESS", "s UPDATE_COMPLETE"]
    assert room.history(identity).count("C DELETE_COMPLETE") == 1
