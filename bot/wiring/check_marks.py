"""Marks of the checks in Muster's own database: read before a run, kept with what it found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from checks.mark import Mark
from storage.models import CheckMark


def mark_of(session: Session, name: str) -> Mark | None:
    """What the last run of the check left; None: there is none, or it cannot be read."""
    row = session.get(CheckMark, name)
    if row is None:
        return None
    try:
        newest = {
            entity: None if at is None else datetime.fromisoformat(at)
            for entity, at in row.seen["newest"].items()
        }
        found = tuple(row.seen["found"])
    except (LookupError, AttributeError, TypeError, ValueError):
        return None
    return Mark(row.digest, row.looked_at, row.swept_at, newest, found)


def keep_mark(session: Session, name: str, mark: Mark) -> None:
    """In the transaction that takes over what the run found: the two are never apart."""
    newest = {entity: None if at is None else at.isoformat() for entity, at in mark.newest.items()}
    kept = {
        "digest": mark.digest,
        "looked_at": mark.looked_at,
        "swept_at": mark.swept_at,
        "seen": {"newest": newest, "found": list(mark.found)},
    }
    row = session.get(CheckMark, name)
    if row is None:
        session.add(CheckMark(name=name, **kept))
        return
    for column, value in kept.items():
        setattr(row, column, value)
