"""Backup and restore of Muster's own SQLite database; PostgreSQL has its own tools."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from storage import continuity, numbers, record_file
from storage.cipher import AesCipher, Keys
from storage.database import Database
from storage.engines import writing_engine
from storage.files import BESIDE, in_clear, keep_private
from storage.lock import InstanceLock
from storage.record_file import Kept
from storage.restore_marks import Marked, mark_restored
from storage.upgrade import upgrade


class BackupError(Exception):
    """A backup or a restore that cannot be done; the sentence says what to do."""


def backup(url: str, target: Path) -> int:
    """Copies the running database, as it is at one moment. Returns the copy's bytes.

    In one step: between the steps of a longer copy the bot would write, and the copy begin anew
    each time. Its writer does not wait for it (WAL). Raises BackupError; nothing is left at
    `target` then.
    """
    source = _sqlite_file(url, "backup")
    if target.exists():
        raise BackupError(f"{target} exists; name a file that does not, so that no backup is lost.")
    continuity.refuse_mixture(source.absolute())
    part = target.with_name(target.name + ".part")
    try:
        keep_private(part)
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(part)) as copy,
        ):
            live.backup(copy, pages=-1)
            copy.execute("pragma journal_mode = delete")  # one file, which needs no other
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"the backup was not written: {error}.") from error
    return target.stat().st_size


def older_copies(url: str) -> list[Path]:
    """Backups beside the database in which earlier versions left customers' data in clear."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return []
    database = Path(parsed.database).absolute()
    return in_clear(database.parent, database)


def restore(url: str, source: Path, *, key: bytes | Keys) -> Marked:
    """Puts a backup in the database's place, at this version's schema, marked as restored.

    The database that stood there stays beside it as `….replaced`. Raises BackupError when the file
    is no such backup, AlreadyRunning while a bot has the database, WrongKey for another key.
    """
    database = _sqlite_file(url, "restore")
    _check(source)
    if not database.absolute().parent.is_dir():
        raise BackupError(f"the folder {database.absolute().parent} does not exist; create it.")
    lock = InstanceLock.take(database)
    part = database.with_name(database.name + ".part")
    try:
        _forget(part)
        keep_private(part)
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy,
            closing(sqlite3.connect(part)) as fresh,
        ):
            copy.backup(fresh, pages=-1)
        kept = record_file.read(database.absolute())
        marked, seen = _prepare(f"sqlite:///{part}", key, kept)
        _put_in_place(part, database)
        record_file.write(database.absolute(), seen)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{source} was not restored: {error}.") from error
    finally:
        _forget(part)
        lock.release()
    return marked


def restored_elsewhere(url: str, *, key: bytes | Keys) -> Marked:
    """After PostgreSQL's own tools have restored it: upgraded and marked. Raises StorageError."""
    upgrade(url, key=key)
    database = Database.open(url, key=key)
    try:
        return database.write_now(_mark)
    finally:
        database.close_now()


def _mark(session: Session) -> Marked:
    continuity.restored(session, None)
    return mark_restored(session, datetime.now(UTC))


def _prepare(url: str, key: bytes | Keys, kept: Kept | None) -> tuple[Marked, Kept]:
    upgrade(url, key=key)
    engine = writing_engine(make_url(url), AesCipher(key))
    try:
        with Session(engine) as session, session.begin():
            marked = mark_restored(session, datetime.now(UTC))
            seen = continuity.restored(session, kept)
            return marked, Kept(seen.record, seen.beat, highest=numbers.highest(session))
    finally:
        engine.dispose()


def _check(source: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
            if copy.execute("pragma quick_check").fetchone()[0] != "ok":
                raise BackupError(f"{source} is damaged; use another backup.")
            known = {row[0] for row in copy.execute("select name from sqlite_master")}
    except sqlite3.Error as error:
        raise BackupError(f"{source} is not a database backup: {error}.") from error
    if "incidents" not in known:
        raise BackupError(f"{source} is a database, but not one of Muster's.")


def _put_in_place(part: Path, database: Path) -> None:
    replaced = database.with_name(database.name + ".replaced")
    _forget(replaced)
    for ending in ("", *BESIDE):
        old = database.with_name(database.name + ending)
        if old.exists():
            old.replace(replaced.with_name(replaced.name + ending))
    part.replace(database)


def _forget(path: Path) -> None:
    for ending in ("", *BESIDE):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _sqlite_file(url: str, what: str) -> Path:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise BackupError(_other_tools(parsed, what))
    path = Path(parsed.database)
    if not path.exists() and what == "backup":
        raise BackupError(f"{path} does not exist; there is nothing to back up.")
    return path


def _other_tools(parsed: URL, what: str) -> str:
    """PostgreSQL's own tools do it, and better."""
    name = parsed.get_backend_name()
    if what == "backup":
        return f"muster db backup is for SQLite; use pg_dump -Fc for {name}."
    return (
        f"muster db restore is for SQLite; stop every bot, use pg_restore --clean for {name}, then "
        "run muster db restored, so that nothing is posted twice."
    )
