"""Secrets at rest: what opens them, and what does not."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import Code, EngineError
from engine.store.crypto import Keys

ONE, TWO = b"1" * 32, b"2" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_what_is_sealed_opens_to_the_same(value: object) -> None:
    keys = Keys([ONE])

    assert keys.unseal(keys.seal(value, "here"), "here") == value


def test_what_is_sealed_cannot_be_read() -> None:
    assert b"s3cret" not in Keys([ONE]).seal({"password": "s3cret"}, "here")


def test_the_same_value_never_looks_the_same() -> None:
    keys = Keys([ONE])

    assert len({keys.seal("value", "here") for _ in range(100)}) == 100


def test_an_old_key_opens_and_the_new_one_seals() -> None:
    old = Keys([ONE]).seal("value", "here")
    rotated = Keys([TWO, ONE])

    assert rotated.unseal(old, "here") == "value"
    assert Keys([TWO]).unseal(rotated.seal("value", "here"), "here") == "value"


def test_another_engine_with_the_same_key_opens_it() -> None:
    assert Keys([ONE]).unseal(Keys([ONE]).seal("value", "here"), "here") == "value"


def flip(sealed: bytes, index: int) -> bytes:
    return sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]


@pytest.mark.parametrize(
    ("opener", "spoil", "place"),
    [
        pytest.param(Keys([TWO]), bytes, "here", id="another key"),
        pytest.param(Keys([ONE]), bytes, "there", id="moved to another row"),
        pytest.param(Keys([ONE]), lambda sealed: flip(sealed, -1), "here", id="damaged at the end"),
        pytest.param(Keys([ONE]), lambda sealed: flip(sealed, 7), "here", id="another salt"),
        pytest.param(Keys([ONE]), lambda sealed: flip(sealed, 0), "here", id="another format"),
        pytest.param(Keys([ONE]), lambda sealed: sealed[:30], "here", id="cut short"),
        pytest.param(Keys([ONE]), lambda _: b"", "here", id="empty"),
    ],
)
def test_what_does_not_open_says_so(opener: Keys, spoil, place: str) -> None:  # type: ignore[no-untyped-def]
    sealed = spoil(Keys([ONE]).seal("value", "here"))

    with pytest.raises(EngineError) as refused:
        opener.unseal(sealed, place)

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY
    assert place in refused.value.message


def test_a_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed = Keys.generate_file(path).seal("value", "here")

    assert Keys.generate_file(path).unseal(sealed, "here") == "value"
    assert Keys.from_file(path).unseal(sealed, "here") == "value"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_engines_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Keys.generate_file(tmp_path / "key"), range(8)))

    assert len({keys.derive("compare") for keys in made}) == 1


def test_keys_come_from_base64() -> None:
    texts = [base64.b64encode(key).decode() for key in (TWO, ONE)]

    assert Keys.from_list(texts).unseal(Keys([ONE]).seal(1, "here"), "here") == 1


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([], id="none"),
        pytest.param(["%%%"], id="not base64"),
        pytest.param([base64.b64encode(b"short").decode()], id="too short"),
        pytest.param(["ключ"], id="not ASCII"),
    ],
)
def test_bad_keys_are_refused(texts: list[str]) -> None:
    with pytest.raises(EngineError) as refused:
        Keys.from_list(texts)

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY


def test_a_key_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as refused:
        Keys.from_file(tmp_path / "absent")

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY


def test_derived_keys_differ_by_purpose_and_by_key() -> None:
    derived = {Keys([key]).derive(purpose) for key in (ONE, TWO) for purpose in ("listener", "else")}

    assert len(derived) == 4
    assert {len(key) for key in derived} == {32}
    assert Keys([ONE]).derive("listener") == Keys([ONE]).derive("listener")
