"""Secrets at rest: AES-256-GCM under keys that rotate.

Called by the modules of store for every secret column, and by `service.py` for what else derives from the same key.
What a reader could not guess: each `Keys` seals under a sub-key of its own, derived from the first key and a random
salt, so that random nonces stay far from their limit however many values are written; and each sealed value is bound to
its place (table and id), so that someone who can write to the database cannot move a secret into a row he may read.

    sealed value = format 1 | key id 4 | salt 16 | nonce 12 | cipher text and tag
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.model.errors import Code, EngineError

KEY_BYTES: Final = 32
_FORMAT: Final = b"\x01"
_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_ID_END: Final = 1 + _ID_BYTES
_SALT_END: Final = _ID_END + _SALT_BYTES
_NONCE_END: Final = _SALT_END + _NONCE_BYTES

_to_text = json.JSONEncoder(separators=(",", ":")).encode


class Keys:
    """The keys of an engine: the first one seals, each of them opens."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take keys of 32 bytes each; raise INVALID_ENCRYPTION_KEY for none, or for one of another length."""
        if not keys:
            raise _bad_key("no encryption key was given")
        for key in keys:
            if len(key) != KEY_BYTES:
                raise _bad_key(f"an encryption key has {len(key)} bytes; {KEY_BYTES} are needed")
        self._first = keys[0]
        self._by_id = {_derive(key, "key id", length=_ID_BYTES): key for key in keys}
        salt = secrets.token_bytes(_SALT_BYTES)
        self._prefix = _FORMAT + _derive(keys[0], "key id", length=_ID_BYTES) + salt
        self._sealer = _cipher(keys[0], salt)

    @classmethod
    def from_list(cls, keys: Iterable[str]) -> Keys:
        """Return the keys from base64 texts, first one first."""
        try:
            return cls([base64.b64decode(key, validate=True) for key in keys])
        except (binascii.Error, ValueError) as error:
            raise _bad_key("an encryption key is not base64") from error

    @classmethod
    def from_file(cls, path: Path) -> Keys:
        """Return the keys of a file: base64, one a line, first one first."""
        try:
            lines = path.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise _bad_key(f"the key file {path} cannot be read") from error
        return cls.from_list(lines)

    @classmethod
    def generate_file(cls, path: Path) -> Keys:
        """Return the keys of a file that is made, readable by its owner only, where there is none yet.

        Two engines that start together get the same key: the file appears whole under its name, or not at all.
        """
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody was first: his key is the key
            os.link(draft, path)
        draft.unlink()
        return cls.from_file(path)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for another purpose; from them nobody gets back to the key."""
        return _derive(self._first, f"purpose: {purpose}")

    def sign(self, text: str, purpose: str) -> str:
        """Return 64 hex digits that tell nothing of a text to whoever has no key; the same for the same text."""
        return _signature(self._first, text, purpose)

    def is_signed(self, signature: str, text: str, purpose: str) -> bool:
        """Return whether a signature is that of the text, by any of the keys."""
        return any(hmac.compare_digest(_signature(key, text, purpose), signature) for key in self._by_id.values())

    def seal(self, value: Any, place: str) -> bytes:
        """Return a JSON value encrypted for one place."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._prefix + nonce + self._sealer.encrypt(nonce, _to_text(value).encode(), place.encode())

    def unseal(self, sealed: bytes, place: str) -> Any:
        """Return the JSON value again; raise INVALID_ENCRYPTION_KEY if no key opens it, or it is from elsewhere."""
        key = self._by_id.get(sealed[1:_ID_END])
        if key is None or sealed[:1] != _FORMAT:
            raise _bad_key(f"the value in {place} was encrypted with a key that is not among the given ones")
        nonce = sealed[_SALT_END:_NONCE_END]
        try:
            text = _cipher(key, sealed[_ID_END:_SALT_END]).decrypt(nonce, sealed[_NONCE_END:], place.encode())
        except InvalidTag as error:
            raise _bad_key(f"the encrypted value in {place} is damaged or belongs elsewhere") from error
        return json.loads(text)


def _derive(key: bytes, purpose: str, *, salt: bytes | None = None, length: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt, f"isotherm {purpose}".encode()).derive(key)


def _signature(key: bytes, text: str, purpose: str) -> str:
    return hmac.new(_derive(key, f"purpose: {purpose}"), text.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=4096)  # one entry per engine process that wrote a value we read
def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(_derive(key, "seal", salt=salt))


def _bad_key(message: str) -> EngineError:
    return EngineError(Code.INVALID_ENCRYPTION_KEY, message)
