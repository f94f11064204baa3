"""Cipher: encryption of personal data at rest (rule 9), AES-256-GCM with a random nonce; and the
tag by which the audit log proves that Muster wrote it.

What is written names its key, so that a key can be changed while the bot runs: the new one writes,
the old ones read until `muster key rotate` has written everything anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import WrongKey

_UNNAMED, _NAMED = b"\x01", b"\x02"  # first byte of a token: without its key's id, and with it
_ID = 4
_NONCE = 12
_DRAWN = 256


@dataclass(frozen=True)
class Keys:
    """The key that writes, and older ones that still read."""

    current: bytes = field(repr=False)
    old: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, key: bytes | Keys) -> Keys:
        return key if isinstance(key, Keys) else cls(key)


class _Key:
    """One key with what is derived from it, each for one use alone."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise WrongKey(
                f"MUSTER_KEY holds {len(key)} bytes instead of 32: "
                "make one with openssl rand -base64 32."
            )
        self.id = hashlib.sha256(b"muster key id" + key).digest()[:_ID]
        self.aead = AESGCM(key)
        self.audit = _derived(key, b"muster audit")
        # What is encrypted for whoever asks must never pass for a key of the audit log.
        self.wrap = AESGCM(_derived(key, b"muster audit keys"))


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=use).derive(key)


class AesCipher:
    """Encrypts with one 32-byte key. Raises WrongKey where a token is of none that is known."""

    def __init__(self, key: bytes | Keys) -> None:
        keys = Keys.of(key)
        self._current = _Key(keys.current)
        self._keys = {one.id: one for one in (*map(_Key, keys.old), self._current)}
        self._audit = {one.id.hex(): one.audit for one in self._keys.values()}
        self._random = b""
        self._used = 0
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return "AesCipher(•••)"

    @property
    def old_keys(self) -> int:
        """How many keys beside the current one are known."""
        return len(self._keys) - 1

    def encrypt(self, data: bytes) -> bytes:
        head, nonce = _NAMED + self._current.id, self._nonce()
        return head + nonce + self._current.aead.encrypt(nonce, data, head)

    def is_current(self, token: bytes) -> bool:
        """Whether the current key wrote it, and says so."""
        return token[: 1 + _ID] == _NAMED + self._current.id

    def _nonce(self) -> bytes:
        """Random, drawn for many at once: each system call hands the interpreter to another
        thread, and under load a thread waits milliseconds to get it back."""
        with self._guard:
            if self._used == len(self._random):
                self._random, self._used = os.urandom(_NONCE * _DRAWN), 0
            nonce = self._random[self._used : self._used + _NONCE]
            self._used += _NONCE
            return nonce

    def decrypt(self, token: bytes) -> bytes:
        if token[:1] == _NAMED:
            key = self._keys.get(token[1 : 1 + _ID])
            found = None if key is None else _opened(key.aead, token, 1 + _ID)
        elif token[:1] == _UNNAMED:
            tried = (_opened(key.aead, token, 1) for key in self._keys.values())
            found = next((one for one in tried if one is not None), None)
        else:
            raise WrongKey("a stored value is of an unknown form; restore the database's backup.")
        if found is None:
            raise WrongKey(
                "MUSTER_KEY is not the key that this database was written with: set the old key "
                "(beside a new one: in MUSTER_OLD_KEYS), or name another database."
            )
        return found

    # the audit log

    def tag(self, data: bytes) -> str:
        """Which key, and its HMAC of the data: nobody without MUSTER_KEY can write one."""
        return _tag(self._current.id.hex(), self._current.audit, data)

    def is_tag(self, tag: str, data: bytes) -> bool:
        key_id = tag.partition("-")[0]
        key = self._audit.get(key_id)
        return key is not None and hmac.compare_digest(tag, _tag(key_id, key, data))

    def wrapped(self) -> dict[str, str]:
        """The keys of the audit log of earlier keys, readable with the current one alone."""
        return {
            key_id: self._wrapped(key_id, key)
            for key_id, key in self._audit.items()
            if key_id != self._current.id.hex()
        }

    def _wrapped(self, key_id: str, key: bytes) -> str:
        nonce = self._nonce()
        made = self._current.wrap.encrypt(nonce, key, key_id.encode())
        return base64.b64encode(self._current.id + nonce + made).decode()

    def learn(self, wrapped: Mapping[str, str]) -> None:
        """The keys of the audit log as `wrapped` gave them. Raises WrongKey for one that is not."""
        for key_id, text in wrapped.items():
            token = base64.b64decode(text)
            by = self._keys.get(token[:_ID])
            key = None if by is None else _opened(by.wrap, token, _ID, key_id.encode())
            if key is None:
                raise WrongKey(f"the audit log's key {key_id} cannot be read; restore a backup.")
            self._audit.setdefault(key_id, key)


def _opened(aead: AESGCM, token: bytes, at: int, said: bytes | None = None) -> bytes | None:
    """What stands behind a head of `at` bytes; None: it is not this key's."""
    try:
        nonce, rest = token[at : at + _NONCE], token[at + _NONCE :]
        return aead.decrypt(nonce, rest, token[:at] if said is None else said)
    except InvalidTag:
        return None


def _tag(key_id: str, key: bytes, data: bytes) -> str:
    return f"{key_id}-{hmac.new(key, data, hashlib.sha256).hexdigest()}"
