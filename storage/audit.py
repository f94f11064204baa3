"""The append-only audit log: one chain per incident, each entry tagged by Muster's key, sealed
together by a job (8.4.3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from storage.models.record import AuditEntry
from storage.types import cipher_of

HOUSE = "house"  # the chain of what belongs to no incident, and of the seals
SEAL = "audit.sealed"
START = "0" * 64
_LATE = 1000  # entries that others may commit with a number below one that stands already
_LAST_SEAL = (
    select(AuditEntry)
    .where(AuditEntry.chain == HOUSE, AuditEntry.action == SEAL)
    .order_by(AuditEntry.sequence.desc())
    .limit(1)
)
_LAST = (
    select(AuditEntry.sequence, AuditEntry.hash)
    .where(AuditEntry.chain == bindparam("chain"))
    .order_by(AuditEntry.sequence.desc())
    .limit(1)
)


def record(
    session: Session,
    *,
    chain: str,
    incident_id: int | None,
    actor: str,
    roles: Iterable[str],
    action: str,
    object: str,  # noqa: A002 - the audit's own word: who did what to which object
    result: str,
    data: Mapping[str, Any],
    now: datetime,
    before: Any = None,
    after: Any = None,
) -> AuditEntry:
    """Appends an entry in the caller's transaction.

    `result`: allowed, refused, done, failed or unknown. `before` and `after` are kept as hashes,
    so that they can be compared without being stored a second time.
    """
    _one_writer(session, chain, incident_id)
    last = session.execute(_LAST, {"chain": chain}).one_or_none()
    entry = AuditEntry(
        chain=chain,
        incident_id=incident_id,
        sequence=1 if last is None else last.sequence + 1,
        at=now,
        actor=actor,
        roles=",".join(sorted(roles)),
        action=action,
        object=object,
        result=result,
        data=dict(data),
        before_hash=_value_hash(before),
        after_hash=_value_hash(after),
        previous=START if last is None else last.hash,
    )
    entry.hash = cipher_of(session.get_bind().dialect).tag(said_by(entry))
    session.add(entry)  # written with what follows, or by the next question
    return entry


class Who(Protocol):
    """Somebody who did something."""

    @property
    def user_id(self) -> str: ...

    @property
    def roles(self) -> Iterable[str]: ...


def record_house(
    session: Session,
    who: Who,
    action: str,
    object: str,  # noqa: A002 - as above
    *,
    result: str,
    data: Mapping[str, Any],
    now: datetime,
) -> AuditEntry:
    """`record` for what belongs to no incident."""
    return record(
        session,
        chain=HOUSE,
        incident_id=None,
        actor=who.user_id,
        roles=who.roles,
        action=action,
        object=object,
        result=result,
        data=data,
        now=now,
    )


def record_system(
    session: Session,
    action: str,
    object: str,  # noqa: A002 - as above
    *,
    data: Mapping[str, Any],
    now: datetime,
) -> AuditEntry:
    """`record` for what Muster itself did, and what belongs to no incident."""
    return record(
        session,
        chain=HOUSE,
        incident_id=None,
        actor="system",
        roles=(),
        action=action,
        object=object,
        result="done",
        data=data,
        now=now,
    )


def seal(session: Session, *, now: datetime) -> AuditEntry | None:
    """Writes the heads of all chains that grew into the house's chain. None: nothing grew.

    A chain alone does not show that its newest entries were cut off; the seal does. The seal's own
    head is kept outside of the database.
    """
    last = session.scalars(_LAST_SEAL).first()
    upto = int(last.data.get("upto", 0)) if last is not None else 0
    recent = AuditEntry.id > upto - _LATE
    sealed: dict[str, int] = {}
    for entry in session.scalars(select(AuditEntry).where(recent, AuditEntry.action == SEAL)):
        sealed.update({chain: head[0] for chain, head in entry.data["heads"].items()})
    newest = (
        select(AuditEntry.chain, func.max(AuditEntry.sequence).label("sequence"))
        .where(recent, AuditEntry.action != SEAL)
        .group_by(AuditEntry.chain)
        .subquery()
    )
    columns = (AuditEntry.chain, AuditEntry.sequence, AuditEntry.hash, AuditEntry.id)
    same = (AuditEntry.chain == newest.c.chain) & (AuditEntry.sequence == newest.c.sequence)
    rows = session.execute(select(*columns).join(newest, same)).all()
    heads = {row.chain: [row.sequence, row.hash] for row in rows}
    grown = {chain: head for chain, head in heads.items() if sealed.get(chain) != head[0]}
    if not grown:
        return None
    return record(
        session,
        chain=HOUSE,
        incident_id=None,
        actor="system",
        roles=(),
        action=SEAL,
        object="audit",
        result="done",
        data={"heads": grown, "upto": max(upto, *(row.id for row in rows))},
        now=now,
    )


def _one_writer(session: Session, chain: str, incident_id: int | None) -> None:
    """SQLite has one writer anyway; on PostgreSQL entries of a chain are written one by one.

    An incident's chain is guarded by the incident's own row, which its units of work lock anyway:
    a second lock beside it would be taken in another order by some of them, and deadlock.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    if incident_id is None:
        session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:chain, 8403))"), {"chain": chain}
        )
    else:
        # NO KEY: rows that refer to the incident may be added meanwhile.
        session.execute(
            text("select id from incidents where id = :id for no key update"), {"id": incident_id}
        )


def _value_hash(value: Any) -> str | None:
    return None if value is None else hashlib.sha256(_canonical(value)).hexdigest()


def said_by(entry: AuditEntry) -> bytes:
    """What an entry says, with the hash of the one before it: what its own hash is made of."""
    return _canonical(
        [
            entry.chain,
            entry.incident_id,
            entry.sequence,
            entry.at.isoformat(timespec="microseconds"),
            entry.actor,
            entry.roles,
            entry.action,
            entry.object,
            entry.result,
            entry.data,
            entry.before_hash,
            entry.after_hash,
            entry.previous,
        ]
    )


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
