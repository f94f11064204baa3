"""The append-only audit log: one hash chain per incident, sealed together by a job (8.4.3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from storage.models.record import AuditEntry

HOUSE = "house"  # the chain of what belongs to no incident, and of the seals
_SEAL = "audit.sealed"
_START = "0" * 64
_LAST = (
    select(AuditEntry.sequence, AuditEntry.hash)
    .where(AuditEntry.chain == bindparam("chain"))
    .order_by(AuditEntry.sequence.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Broken:
    """The first entry that is not as it was written."""

    chain: str
    sequence: int
    problem: str

    def __str__(self) -> str:
        return f"{self.chain} entry {self.sequence}: {self.problem}"


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
        previous=_START if last is None else last.hash,
    )
    entry.hash = _entry_hash(entry)
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


def verify(session: Session) -> Broken | None:
    """Follows every chain and every seal. The first broken entry, or None."""
    rows = session.scalars(
        select(AuditEntry)
        .order_by(AuditEntry.chain, AuditEntry.sequence)
        .execution_options(yield_per=500)
    )
    with closing(rows):
        return _first_broken(session, rows)


def _first_broken(session: Session, rows: Iterable[AuditEntry]) -> Broken | None:
    heads: dict[str, tuple[int, str]] = {}
    seals: list[AuditEntry] = []
    hashes: dict[tuple[str, int], str] = {}
    for entry in rows:
        sequence, previous = heads.get(entry.chain, (0, _START))
        if entry.sequence != sequence + 1:
            return Broken(entry.chain, sequence + 1, "is missing")
        if entry.previous != previous:
            return Broken(entry.chain, entry.sequence, "does not follow the entry before it")
        if entry.hash != _entry_hash(entry):
            return Broken(entry.chain, entry.sequence, "was changed")
        heads[entry.chain] = (entry.sequence, entry.hash)
        hashes[entry.chain, entry.sequence] = entry.hash
        if entry.action == _SEAL:
            seals.append(entry)
        session.expunge(entry)
    for seal in seals:
        for chain, (sequence, value) in seal.data["heads"].items():
            found = hashes.get((chain, sequence))
            if found != value:
                problem = "is missing" if found is None else "was changed after it was sealed"
                return Broken(chain, sequence, problem)
    return None


def seal(session: Session, *, now: datetime) -> AuditEntry | None:
    """Writes the heads of all chains that grew into the house's chain. None: nothing grew.

    A chain alone does not show that its newest entries were cut off; the seal does.
    """
    sealed: dict[str, int] = {}
    for entry in session.scalars(
        select(AuditEntry).where(AuditEntry.chain == HOUSE, AuditEntry.action == _SEAL)
    ):
        sealed.update({chain: head[0] for chain, head in entry.data["heads"].items()})
    newest = (
        select(AuditEntry.chain, func.max(AuditEntry.sequence).label("sequence"))
        .where(AuditEntry.action != _SEAL)
        .group_by(AuditEntry.chain)
        .subquery()
    )
    heads = {
        row.chain: [row.sequence, row.hash]
        for row in session.execute(
            select(AuditEntry.chain, AuditEntry.sequence, AuditEntry.hash).join(
                newest,
                (AuditEntry.chain == newest.c.chain) & (AuditEntry.sequence == newest.c.sequence),
            )
        )
        if sealed.get(row.chain) != row.sequence
    }
    if not heads:
        return None
    return record(
        session,
        chain=HOUSE,
        incident_id=None,
        actor="system",
        roles=(),
        action=_SEAL,
        object="audit",
        result="done",
        data={"heads": heads},
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
    return None if value is None else _digest(value)


def _entry_hash(entry: AuditEntry) -> str:
    return _digest(
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


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
