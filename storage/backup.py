"""Backup and restore of Muster's own SQLite database; PostgreSQL has its own tools."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import ActionAttempt, AttemptState, WorkItem, WorkKind, WorkState
from storage.upgrade import upgrade


class BackupError(Exception):
    """A backup or a restore that cannot be done; the sentence says what to do."""


def backup(url: str, target: Path) -> int:
    """Copies the running database, page by page and consistent. Returns the copy's bytes.

    Raises BackupError; nothing is left at `target` then.
    """
    source = _sqlite_file(url, "backup")
    if target.exists():
        raise BackupError(f"{target} exists; name a file that does not, so that no backup is lost.")
    part = target.with_name(target.name + ".part")
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(part)) as copy,
        ):
            live.backup(copy, pages=1024)
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"the backup was not written: {error}.") from error
    return target.stat().st_size


def restore(url: str, source: Path, *, key: bytes) -> None:
    """Puts a backup in the database's place and brings it to this version's schema.

    Raises BackupError when the file is no such backup or a bot still has the database.
    """
    database = _sqlite_file(url, "restore")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
            if copy.execute("pragma quick_check").fetchone()[0] != "ok":
                raise BackupError(f"{source} is damaged; use another backup.")
            known = {row[0] for row in copy.execute("select name from sqlite_master")}
    except sqlite3.Error as error:
        raise BackupError(f"{source} is not a database backup: {error}.") from error
    if "incidents" not in known:
        raise BackupError(f"{source} is a database, but not one of Muster's.")
    with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(database)) as live:
        try:
            live.execute("begin exclusive")
            live.rollback()
            copy.backup(live)
        except sqlite3.OperationalError as error:
            raise BackupError(
                f"{database} is in use ({error}); stop the bot, then restore."
            ) from error
    os.sync()
    restored(url, key=key)


def restored(url: str, *, key: bytes) -> None:
    """After a restore: brings it to this schema, and has what may have been sent looked up first.

    What is still to be sent in the copy may have been sent since the copy was made. So no message
    and no action goes out before it was looked for; what can only be sent once is let go.
    """
    upgrade(url, key=key)
    database = Database.open(url, key=key)
    try:
        database.write_now(_doubt)
    finally:
        database.close_now()


def _doubt(session: Session) -> None:
    unsent = (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR, WorkState.PARKED)
    session.execute(
        update(WorkItem)
        .where(WorkItem.kind == WorkKind.MESSAGE, WorkItem.state.in_(unsent))
        .values(settled_epoch=WorkItem.epoch - 1)
    )
    session.execute(
        update(ActionAttempt)
        .where(ActionAttempt.state == AttemptState.WRITTEN)
        .values(state=AttemptState.SENT, sent_at=datetime.now(UTC))
    )


def _sqlite_file(url: str, what: str) -> Path:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        tool = "pg_dump" if what == "backup" else "pg_restore and then muster db restored"
        raise BackupError(f"muster db {what} is for SQLite; use {tool} for {parsed.drivername}.")
    path = Path(parsed.database)
    if not path.exists() and what == "backup":
        raise BackupError(f"{path} does not exist; there is nothing to back up.")
    return path
