"""Continuity: whether a database that is opened goes on from where it was left.

At the start of a bot the database is held against what was kept beside it. One that is not there
any more, that is another one or that stands at an older state is taken as it is, since a bot that
does not start helps nobody; but it is treated as one that was restored, its numbers go on above the
highest that was ever given, and what was noticed is recorded and told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storage import audit, identity, numbers, record_file
from storage.dialect import is_postgres
from storage.engines import database_url, sqlite_path
from storage.errors import CannotOpen
from storage.file_watch import written
from storage.identity import Identity
from storage.models import HouseFact, Incident
from storage.record_file import Kept
from storage.restore_marks import mark_restored

REMOVED, REPLACED, OLDER, BEHIND = "removed", "replaced", "older", "behind"
"""Kinds of a change: no database was there, another one, an older state of it; or Slack knows more
than it does (`bot.given_numbers`)."""
_CHANGE = "record_change"
_LOOKS, _BETWEEN = 10, 0.05


@dataclass(frozen=True)
class Found:
    """What stood at the place before it was opened."""

    kept: Kept | None = None
    there: bool = False  # a record that can be read
    aside: str | None = None  # name of a log that was none of its own


def look(database: Path) -> Found:
    """Before the file is opened: what was kept of it, and whether its log is its own.

    SQLite would write the log of the file that stood there before into the one that stands there
    now. It is set aside, never deleted.
    """
    kept, stands = record_file.read(database), written(database)
    if kept is None:
        return Found(there=stands is not None)
    own = stands is not None and stands.follows(kept.stamp)
    return Found(kept, stands is not None, None if own else _set_aside(database))


def refuse_mixture(database: Path) -> None:
    """For what opens it beside a bot, or while none runs: it must not write a log into a file that
    it does not belong to. Raises CannotOpen; the start of a bot sets such a log aside."""
    kept = record_file.read(database)
    if kept is None or not _has_log(database):
        return
    for _ in range(_LOOKS):  # the bot may write its checkpoint at this moment
        stands = written(database)
        if stands is not None and stands.follows(kept.stamp):
            return
        time.sleep(_BETWEEN)
    raise CannotOpen(
        f"database.url: another file was put in the place of {database}, and {database.name}-wal "
        "belongs to the one before: start muster run, which sets it aside, or restore a backup by "
        "muster db restore FILE."
    )


def _has_log(database: Path) -> bool:
    real = database.resolve()
    try:
        return real.with_name(real.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _set_aside(database: Path) -> str | None:
    real = database.resolve()
    if not _has_log(database):
        return None
    log = real.with_name(real.name + "-wal")
    target, number = log.with_name(log.name + ".aside"), 1
    while target.exists():
        number += 1
        target = log.with_name(f"{log.name}.aside{number}")
    log.replace(target)
    real.with_name(real.name + "-shm").unlink(missing_ok=True)
    return target.name


def check_whole(session: Session, found: Found) -> None:
    """Raises CannotOpen where what is not as it was left is damaged as well: an older file under a
    newer log, half a copy."""
    kept, before = found.kept, identity.read(session)
    as_left = kept is None or (before is not None and before.follows(kept.identity))
    if as_left or is_postgres(session):
        return
    if session.execute(text("pragma quick_check(1)")).scalar_one() != "ok":
        raise CannotOpen(
            "database.url: the database is not the one that was left, and it is damaged; put the "
            "newest backup in its place: muster db restore FILE."
        )


def go_on(session: Session, found: Found, now: datetime) -> tuple[Identity, str | None]:
    """After it was opened: its identity, and the kind of what is not as it was left. In one unit,
    before anything else uses it."""
    before, kept = identity.read(session), found.kept
    if kept is None:
        return identity.name_it(session), None
    numbers.raise_to(session, kept.highest)
    if before is not None and before.follows(kept.identity):
        return before, None
    kind = _kind(session, before, found)
    if kind != REMOVED:
        mark_restored(session, now)
    _note(session, kind, {"highest": kept.highest, "aside": found.aside}, now)
    return identity.rename(session), kind


def _kind(session: Session, before: Identity | None, found: Found) -> str:
    if not found.there and not _has_incidents(session):
        return REMOVED
    if before is None or found.kept is None or before.record != found.kept.record:
        return REPLACED
    return OLDER


def behind(session: Session, unknown: Sequence[int], now: datetime, *, marks: bool) -> None:
    """Slack shows incidents that the database does not know. `marks`: nothing of it runs yet, so
    what stands unfinished in it is looked for before it is done."""
    if marks and _has_incidents(session):
        mark_restored(session, now)
    _note(session, BEHIND, {"highest": unknown[-1], "unknown": list(unknown)}, now)


def untold(session: Session) -> Mapping[str, Any] | None:
    """What was noticed and not told to anybody yet: its kind, with what is known of it."""
    found = session.get(HouseFact, _CHANGE)
    return None if found is None or found.value.get("told") else found.value


def posted(session: Session) -> None:
    """It stands in the channel."""
    _mark(session, "posted")


def told(session: Session) -> None:
    """Who is on duty has been told of it."""
    _mark(session, "told")


def _mark(session: Session, what: str) -> None:
    row = session.get_one(HouseFact, _CHANGE)
    row.value = {**row.value, what: True}


def _has_incidents(session: Session) -> bool:
    return session.scalar(select(Incident.id).limit(1)) is not None


def _note(session: Session, kind: str, data: Mapping[str, Any], now: datetime) -> None:
    """It stands in the audit log, and waits to be told."""
    session.merge(HouseFact(key=_CHANGE, value={**data, "kind": kind, "at": now.isoformat()}))
    audit.record_system(session, f"record.{kind}", "database", data=data, now=now)


def restored(session: Session, kept: Kept | None) -> Identity:
    """A backup was put in the database's place: another record, with numbers above the highest."""
    if kept is not None:
        numbers.raise_to(session, kept.highest)
    return identity.rename(session)


def record_of(url: str) -> Kept | None:
    """What is kept beside the database of that address; None: nothing is."""
    parsed = database_url(url)
    return record_file.read(sqlite_path(parsed)) if parsed.get_backend_name() == "sqlite" else None


def another_record(kept: Kept | None, session: Session) -> str | None:
    """Why the database is not the one of which that was kept; None: it is."""
    if kept is None:
        return None
    found = identity.read(session)
    if found is None or found.record != kept.record:
        return "another database stands in its place."
    if not found.follows(kept.identity):
        return (
            "the database stands at an older state (its log was lost, or an older file was put in "
            "its place)."
        )
    return None
