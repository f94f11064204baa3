"""Rotation of the key: what older keys encrypted is written anew with the current one.

Beside a running bot: page by page, each in a transaction of its own, and a row that changed in the
meantime is left to the next pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from storage import key
from storage.cipher import AesCipher
from storage.database import Database
from storage.models import Base
from storage.types import EncryptedJson, EncryptedText

_PAGE = 200
_PASSES = 20


def rotate(database: Database) -> int:
    """Writes all that is encrypted anew; how many values. Raises WrongKey for what no key reads.

    When it returns, nothing is left of an older key, and the proof and the keys of the audit log
    are the current key's.
    """
    cipher, written = database.cipher, 0
    for _ in range(_PASSES):
        changed = sum(_page(database, cipher, table, names) for table, names in _encrypted())
        written += changed
        if not changed:
            break
    database.write_now(lambda session: key.renew(session.connection(), cipher))
    return written


def _encrypted() -> Iterator[tuple[Table, list[str]]]:
    """Every table with its encrypted columns."""
    for table in Base.metadata.sorted_tables:
        names = [
            one.name for one in table.columns if isinstance(one.type, EncryptedText | EncryptedJson)
        ]
        if names:
            yield table, names


def _page(database: Database, cipher: AesCipher, table: Table, names: list[str]) -> int:
    """All pages of one table."""
    after: int | None = 0
    written = 0
    while after is not None:
        unit = partial(_anew, cipher=cipher, table=table, names=names, after=after)
        changed, after = database.write_now(unit)
        written += changed
    return written


def _anew(
    session: Session, *, cipher: AesCipher, table: Table, names: list[str], after: int
) -> tuple[int, int | None]:
    """One page: how many values were written, and where the next begins (None: it was the last)."""
    raw: dict[str, Column[Any]] = {name: table.c[name] for name in names}
    columns = [type_coerce(column, LargeBinary).label(name) for name, column in raw.items()]
    held = or_(*(column.is_not(None) for column in raw.values()))
    rows = session.execute(
        select(table.c.id, *columns)
        .where(table.c.id > after, held)
        .order_by(table.c.id)
        .limit(_PAGE)
        .with_for_update()
    ).all()
    written = 0
    for row in rows:
        old = {name: bytes(value) for name in names if (value := getattr(row, name)) is not None}
        new = {
            n: cipher.encrypt(cipher.decrypt(v)) for n, v in old.items() if not cipher.is_current(v)
        }
        if new:
            values = {table.c[n]: type_coerce(v, LargeBinary) for n, v in new.items()}
            session.execute(update(table).where(table.c.id == row.id).values(values))
            written += len(new)
    return written, rows[-1].id if len(rows) == _PAGE else None
