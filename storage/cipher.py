"""Cipher: encryption of personal data at rest (rule 9), AES-256-GCM with a random nonce; and the
tag by which the audit log proves that Muster wrote it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import WrongKey

_VERSION = b"\x01"  # first byte of every token, so that a later form can be told apart
_NONCE = 12
_DRAWN = 256


class AesCipher:
    """Encrypts with one 32-byte key. Raises WrongKey where a token is not of this key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise WrongKey(
                f"MUSTER_KEY holds {len(key)} bytes instead of 32: "
                "make one with openssl rand -base64 32."
            )
        self._aead = AESGCM(key)
        # A key of its own: what is encrypted for whoever asks must say nothing about a tag.
        self._audit = HKDF(SHA256(), 32, salt=None, info=b"muster audit").derive(key)
        self.key_id = hashlib.sha256(b"muster key id" + key).hexdigest()[:8]
        self._random = b""
        self._used = 0
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return "AesCipher(•••)"

    def tag(self, data: bytes) -> str:
        """Which key, and its HMAC of the data: nobody without MUSTER_KEY can write one."""
        return f"{self.key_id}-{hmac.new(self._audit, data, hashlib.sha256).hexdigest()}"

    def is_tag(self, tag: str, data: bytes) -> bool:
        return hmac.compare_digest(tag, self.tag(data))

    def encrypt(self, data: bytes) -> bytes:
        nonce = self._nonce()
        return _VERSION + nonce + self._aead.encrypt(nonce, data, _VERSION)

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
        if token[:1] != _VERSION:
            raise WrongKey("a stored value is of an unknown form; restore the database's backup.")
        try:
            return self._aead.decrypt(token[1 : 1 + _NONCE], token[1 + _NONCE :], _VERSION)
        except InvalidTag:
            raise WrongKey(
                "MUSTER_KEY is not the key that this database was written with: "
                "set the old key, or name another database."
            ) from None
