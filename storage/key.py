"""Key of the environment: whether it is the one the database was written with."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, inspect, select

from storage.cipher import AesCipher
from storage.models.record import HouseFact

_PROOF = "key_proof"
_AUDIT = "audit_keys"
_PLAIN = b"muster"


def check_key(engine: Engine, cipher: AesCipher) -> None:
    """Raises WrongKey. A database that has no tables yet is fine."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(HouseFact.__tablename__):
            return
        proof, audit = _fact(connection, _PROOF), _fact(connection, _AUDIT)
    if proof is not None:
        cipher.decrypt(base64.b64decode(proof["token"]))
    cipher.learn(audit or {})


def write_proof(connection: Connection, cipher: AesCipher) -> None:
    """Leaves the proof in a database that has none (called with the migrations)."""
    if _fact(connection, _PROOF) is None:
        connection.execute(insert(HouseFact).values(key=_PROOF, value=_proven(cipher)))


def renew(connection: Connection, cipher: AesCipher) -> None:
    """The proof of the current key, and the older keys of the audit log, which its entries need."""
    for name, value in ((_PROOF, _proven(cipher)), (_AUDIT, cipher.wrapped())):
        connection.execute(delete(HouseFact).where(HouseFact.key == name))
        connection.execute(insert(HouseFact).values(key=name, value=value))


def _proven(cipher: AesCipher) -> dict[str, Any]:
    token = base64.b64encode(cipher.encrypt(_PLAIN)).decode()
    return {"token": token, "since": datetime.now(UTC).isoformat()}


def _fact(connection: Connection, name: str) -> dict[str, Any] | None:
    return connection.execute(
        select(HouseFact.value).where(HouseFact.key == name)
    ).scalar_one_or_none()
