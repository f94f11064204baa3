"""Continuity: whether a database that is opened goes on from where it was left.

At the start of a bot the database is held against what was kept beside it. One that is not there
any more, that is another one or that stands at an older state is taken as it is, since a bot that
does not start helps nobody; but it is treated as one that was restored, its numbers go on above the
highest that was ever given, and what was noticed is recorded and told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import audit, identity, numbers, record_file
from storage.file_watch import written
from storage.identity import Identity
from storage.models import Incident
from storage.record_file import Kept
from storage.restore_marks import mark_restored

REMOVED, REPLACED, OLDER, BEHIND = "removed", "replaced", "older", "behind"
"""Kinds of a change: no database was there, another one, an older state of it; or Slack knows more
than it does (`bot.given_numbers`)."""


@dataclass(frozen=True)
class Found:
    """What stood at the place before it was opened."""

    kept: Kept | None = None
    there: bool = False  # a record that can be read
    aside: str | None = None  # name of a log that was none of its own


@dataclass(frozen=True)
class Change:
    """What was noticed. `highest`: the number that is known to have been given out."""

    kind: str
    highest: int
    aside: str | None = None


def look(database: Path) -> Found:
    """Before the file is opened: what was kept of it, and whether its log is its own.

    SQLite would write the log of the file that stood there before into the one that stands there
    now. It is set aside, never deleted.
    """
    kept, stands = record_file.read(database), written(database)
    if kept is None:
        return Found(there=stands is not None)
    own = stands is not None and stands.follows(Identity(kept.record, kept.written))
    return Found(kept, stands is not None, None if own else _set_aside(database))


def _set_aside(database: Path) -> str | None:
    real = database.resolve()
    log = real.with_name(real.name + "-wal")
    try:
        if log.stat().st_size == 0:
            return None
    except OSError:
        return None
    target, number = log.with_name(log.name + ".aside"), 1
    while target.exists():
        number += 1
        target = log.with_name(f"{log.name}.aside{number}")
    log.replace(target)
    real.with_name(real.name + "-shm").unlink(missing_ok=True)
    return target.name


def go_on(session: Session, found: Found, now: datetime) -> tuple[Identity, Change | None]:
    """After it was opened: its identity, and what is not as it was left. In one unit."""
    before, kept = identity.read(session), found.kept
    if kept is None:
        return identity.name_it(session), None
    numbers.raise_to(session, kept.highest)
    if before is not None and before.follows(kept.identity):
        return before, None
    empty = session.scalar(select(func.count()).select_from(Incident)) == 0
    if not found.there and empty:
        kind = REMOVED
    elif before is None or before.record != kept.record:
        kind = REPLACED
    else:
        kind = OLDER
    if kind != REMOVED:
        mark_restored(session, now)
    note(session, kind, {"highest": kept.highest, "aside": found.aside}, now)
    return identity.rename(session), Change(kind, kept.highest, found.aside)


def note(session: Session, kind: str, data: dict[str, object], now: datetime) -> None:
    """What was noticed stands in the audit log."""
    audit.record(
        session,
        chain=audit.HOUSE,
        incident_id=None,
        actor="system",
        roles=(),
        action=f"record.{kind}",
        object="database",
        result="done",
        data=data,
        now=now,
    )


def restored(session: Session, kept: Kept | None) -> Identity:
    """A backup was put in the database's place: another record, with numbers above the highest."""
    if kept is not None:
        numbers.raise_to(session, kept.highest)
    return identity.rename(session)
