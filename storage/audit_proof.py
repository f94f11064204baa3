"""Audit proof: whether the log is what Muster wrote, and all of it.

Each entry is tagged by a key that is derived from MUSTER_KEY, so hashes cannot be worked out anew.
Seals hold the heads of all chains, so an incident cannot be taken out; and the head of the seals,
which is kept outside of the database, shows what was cut off or put back to an older state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.audit import HOUSE, SEAL, START, said_by
from storage.models import Incident
from storage.models.record import AuditEntry
from storage.types import Cipher, cipher_of


@dataclass(frozen=True)
class Broken:
    """The first entry that is not as it was written."""

    chain: str
    sequence: int
    problem: str

    def __str__(self) -> str:
        return f"{self.chain} entry {self.sequence}: {self.problem}"


@dataclass(frozen=True)
class Head:
    """A head of the log that was kept elsewhere: how far the house's chain went, and its hash."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Head:
        """As it is logged, `412:1f0c…`. Raises ValueError."""
        sequence, _, value = text.strip().partition(":")
        if not sequence.isdigit() or not value:
            raise ValueError("a head is a number, a colon and a hash")
        return cls(int(sequence), value)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass
class _Followed:
    """What was seen on the way through all chains."""

    hashes: dict[tuple[str, int], str] = field(default_factory=dict)
    seals: list[tuple[int, bool, Mapping[str, list[int | str]]]] = field(default_factory=list)
    untagged: list[tuple[str, int]] = field(default_factory=list)


def head(session: Session) -> Head | None:
    """The newest seal, as it is kept outside; None: nothing was sealed yet."""
    found = session.execute(
        select(AuditEntry.sequence, AuditEntry.hash)
        .where(AuditEntry.chain == HOUSE, AuditEntry.action == SEAL)
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else Head(found.sequence, found.hash)


def verify(session: Session, kept: Head | None = None) -> Broken | None:
    """Follows every chain and every seal. `kept`: a head from outside. The first that is broken."""
    rows = session.scalars(
        select(AuditEntry)
        .order_by(AuditEntry.chain, AuditEntry.sequence)
        .execution_options(yield_per=500)
    )
    followed = _Followed()
    with closing(rows):
        broken = _follow(session, rows, followed)
    return (
        broken
        or _sealed(followed)
        or _before_the_key(followed)
        or _held(followed, kept)
        or _every_incident(session, followed)
    )


def _follow(session: Session, rows: Iterable[AuditEntry], followed: _Followed) -> Broken | None:
    cipher, heads = cipher_of(session.get_bind().dialect), dict[str, tuple[int, str]]()
    for entry in rows:
        sequence, previous = heads.get(entry.chain, (0, START))
        if entry.sequence != sequence + 1:
            return Broken(entry.chain, sequence + 1, "is missing")
        if entry.previous != previous:
            return Broken(entry.chain, entry.sequence, "does not follow the entry before it")
        tagged = _tagged(cipher, entry)
        if tagged is None:
            return Broken(entry.chain, entry.sequence, "was changed")
        heads[entry.chain] = (entry.sequence, entry.hash)
        followed.hashes[entry.chain, entry.sequence] = entry.hash
        if not tagged:
            followed.untagged.append((entry.chain, entry.sequence))
        if entry.action == SEAL:
            followed.seals.append((entry.sequence, tagged, entry.data["heads"]))
        session.expunge(entry)
    return None


def _tagged(cipher: Cipher, entry: AuditEntry) -> bool | None:
    """Whether the key wrote it; False: it is of the time before the key; None: it was changed."""
    said = said_by(entry)
    if "-" in entry.hash:
        return True if cipher.is_tag(entry.hash, said) else None
    return False if entry.hash == hashlib.sha256(said).hexdigest() else None


def _sealed(followed: _Followed) -> Broken | None:
    for _, _, heads in followed.seals:
        for chain, (sequence, value) in heads.items():
            found = followed.hashes.get((chain, int(sequence)))
            if found != value:
                problem = "is missing" if found is None else "was changed after it was sealed"
                return Broken(chain, int(sequence), problem)
    return None


def _before_the_key(followed: _Followed) -> Broken | None:
    """Entries without a tag are those that stood when the key first sealed, and no others: anybody
    can write one."""
    first = next((at for at, tagged, _ in followed.seals if tagged), None)
    covered = {HOUSE: first or 0}
    for at, _, heads in followed.seals:
        if first is not None and at <= first:
            covered |= {c: max(covered.get(c, 0), int(n)) for c, (n, _) in heads.items()}
    for chain, sequence in followed.untagged:
        if sequence > covered.get(chain, 0):
            return Broken(chain, sequence, "was not written with Muster's key")
    return None


def _held(followed: _Followed, kept: Head | None) -> Broken | None:
    if kept is None:
        return None
    found = followed.hashes.get((HOUSE, kept.sequence))
    if found is None:
        return Broken(HOUSE, kept.sequence, "is missing: what came after was cut off")
    if found != kept.hash:
        return Broken(HOUSE, kept.sequence, "is another one than was kept outside")
    return None


def _every_incident(session: Session, followed: _Followed) -> Broken | None:
    """An incident without any entry: its chain was taken out before it was sealed, or all were."""
    chains = {chain for chain, _ in followed.hashes}
    for number in session.scalars(select(Incident.number).order_by(Incident.number)):
        if f"INC-{number}" not in chains:
            return Broken(f"INC-{number}", 1, "is missing")
    return None
