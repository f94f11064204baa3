"""Key of the environment: whether it is the one the database was written with."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, inspect, select

from storage.cipher import AesCipher
from storage.models.record import HouseFact

_PROOF = "key_proof"
_PLAIN = b"muster"


def check_key(engine: Engine, cipher: AesCipher) -> None:
    """Raises WrongKey. A database that has no tables yet is fine."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(HouseFact.__tablename__):
            return
        proof = _proof(connection)
    if proof is not None:
        cipher.decrypt(base64.b64decode(proof["token"]))


def write_proof(connection: Connection, cipher: AesCipher) -> None:
    """Leaves the proof in a database that has none (called with the migrations)."""
    if _proof(connection) is None:
        token = base64.b64encode(cipher.encrypt(_PLAIN)).decode()
        value = {"token": token, "since": datetime.now(UTC).isoformat()}
        connection.execute(insert(HouseFact).values(key=_PROOF, value=value))


def _proof(connection: Connection) -> dict[str, Any] | None:
    return connection.execute(
        select(HouseFact.value).where(HouseFact.key == _PROOF)
    ).scalar_one_or_none()
