"""Column types: aware UTC times, personal data that is encrypted at rest and masked by itself."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator


class Cipher(Protocol):
    """What encrypts personal data; one is attached to each engine's dialect."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...

    def tag(self, data: bytes) -> str:
        """Proof that whoever has the key wrote it."""

    def is_tag(self, tag: str, data: bytes) -> bool: ...


class Personal:
    """Text about a person (name, phone, address, what someone wrote).

    It masks itself wherever it is shown: `str`, `repr`, `format`, logs. Only `reveal()` gives the
    text, so every place that shows it can be found by name.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Call it only where the reader's right was checked."""
        return self._text

    def __str__(self) -> str:
        return "•••"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC. A naive one is a bug and raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def cipher_of(dialect: Dialect) -> Cipher:
    """The engine's cipher, as it was opened with."""
    cipher: Cipher | None = getattr(dialect, "muster_cipher", None)
    if cipher is None:
        raise RuntimeError("the engine has no cipher: open it through storage.database")
    return cipher


class EncryptedText(TypeDecorator[Personal]):
    """Personal data, encrypted at rest (rule 9 of the architecture)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Personal | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return cipher_of(dialect).encrypt(value.reveal().encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Personal | None:
        if value is None:
            return None
        return Personal(cipher_of(dialect).decrypt(bytes(value)).decode())


class JsonText(str):
    """JSON that is text already, as it came in; stored without being read and written again."""

    __slots__ = ()


class EncryptedJson(TypeDecorator[Any]):
    """A stored delivery or form, which may hold what people wrote: encrypted as a whole.

    Compressed before: a delivery of 3 KB takes a sixth of it, and half the time to commit.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        text = value if isinstance(value, JsonText) else json.dumps(value, ensure_ascii=False)
        return cipher_of(dialect).encrypt(zlib.compress(text.encode(), 1))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return json.loads(zlib.decompress(cipher_of(dialect).decrypt(bytes(value))))


class Json(TypeDecorator[Any]):
    """JSON as text: references and figures, never personal data."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
