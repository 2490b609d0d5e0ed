from __future__ import annotations

from engine.runtime.kept import Kept


def test_what_was_used_longest_ago_makes_room() -> None:
    kept: Kept[str, str] = Kept(10, len)
    kept.put("a", "1234")
    kept.put("b", "1234")
    assert kept.get("a") == "1234"

    kept.put("c", "1234")

    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("1234", None, "1234")


def test_what_is_larger_than_the_room_is_handed_back_and_not_kept() -> None:
    kept: Kept[str, str] = Kept(10, len)
    kept.put("a", "1234")

    assert kept.put("b", "12345678901") == "12345678901"
    assert (kept.get("a"), kept.get("b")) == ("1234", None)
