"""Encryption of personal data at rest (rule 9): AES-256-GCM with a random nonce."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.errors import WrongKey

_VERSION = b"\x01"  # first byte of every token, so that a later form can be told apart
_NONCE = 12


class AesCipher:
    """Encrypts with one 32-byte key. Raises WrongKey where a token is not of this key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise WrongKey(
                f"MUSTER_KEY holds {len(key)} bytes instead of 32: "
                "make one with openssl rand -base64 32."
            )
        self._aead = AESGCM(key)

    def __repr__(self) -> str:
        return "AesCipher(•••)"

    def encrypt(self, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, data, _VERSION)

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
