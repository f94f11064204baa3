"""Record keeper: notices while a bot runs that its database is not the one that it opened, and
keeps beside a SQLite file what tells it at the next start.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from storage import audit_proof, identity, numbers, record_file
from storage.dialect import is_postgres
from storage.errors import RecordLost
from storage.file_watch import FileWatch
from storage.identity import Identity
from storage.record_file import Kept

log = structlog.get_logger(__name__)

_EACH = 10  # of the looks at PostgreSQL writes a beat
BEAT_SECONDS = 1.0  # how much of a lost log may not be noticed, and how late a loss is


class RecordKeeper:
    """Of one running bot. `file`: of a SQLite database; PostgreSQL has none."""

    def __init__(self, kept: Kept, *, name: str, file: Path | None) -> None:
        """Raises sqlite3.Error."""
        self._seen = kept.identity
        self._name = name  # as it is called in a sentence
        self._file = file
        self._watch = None if file is None else FileWatch(file)
        self._kept = kept
        self._turn = threading.Lock()
        self._changes: object = None
        self._looks = 0
        self._lost: RecordLost | None = None
        self._write(written=0 if self._watch is None else self._watch.beat)

    @property
    def problem(self) -> RecordLost | None:
        """As of the last unit."""
        return self._lost or (None if self._watch is None else self._watch.problem)

    @property
    def highest(self) -> int:
        """The highest number that is known to have been given out."""
        return self._kept.highest

    def before_unit(self, *, writer: bool) -> None:
        """Raises RecordLost: what has the database open must not use it any more."""
        if self._lost is not None:
            raise self._lost
        if self._watch is None:
            return
        try:
            self._watch.check(writer=writer)
        finally:
            # Behind a checkpoint, and at once: a file that is older than that has another log.
            if writer and self._watch.beat != self._kept.written:
                self._write(written=self._watch.beat)

    def before_commit(self, session: Session) -> None:
        """A number stands beside the database before anybody can see it."""
        number = session.info.pop(numbers.GIVEN, None)
        if number is not None and self._watch is not None:
            self._write(highest=max(self._kept.highest, int(number)))

    def look(self, session: Session) -> Identity:
        """A unit, now and then: is it the same record, and not older than it was? One further, if
        something was written since. `keep` takes what it returns. Raises RecordLost."""
        found = self._found(session)
        if found is None or found.record != self._seen.record:
            raise self._is_lost("another")
        if not found.follows(self._seen):
            raise self._is_lost("older")
        self._looks += 1
        if not self._something_changed(session):
            return found
        now = identity.beat(session, found)
        session.flush()
        self._changes = _total_changes(session)
        return now

    def keep(self, session: Session, seen: Identity) -> None:
        """A read behind its commit: what is kept beside the file follows."""
        self._seen = seen
        highest = max(self._kept.highest, numbers.highest(session))
        if self._watch is None:
            self._kept = replace(self._kept, highest=highest)
            return
        head = audit_proof.head(session)
        self._write(
            beat=seen.beat,
            written=self._watch.beat,
            highest=highest,
            head=None if head is None else str(head),
        )

    def rescue(self) -> Path | None:
        """What is left of the record, saved beside its place."""
        return None if self._watch is None else self._watch.rescue()

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _found(self, session: Session) -> Identity | None:
        try:
            return identity.locked(session)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != "42P01":  # there is such a table
                raise
            return None

    def _is_lost(self, code: str) -> RecordLost:
        lost = RecordLost(code, self._name)
        if self._lost is None:
            log.critical("record_lost", what=code, sentence=str(lost))
        self._lost = lost
        return lost

    def _something_changed(self, session: Session) -> bool:
        """On PostgreSQL that is not known, and other replicas write as well: now and then."""
        if is_postgres(session):
            return self._looks % _EACH == 0
        return _total_changes(session) != self._changes

    def _write(self, **values: object) -> None:
        """A place that takes no file is no reason to stop: the database itself is written."""
        if self._file is None:
            return
        with self._turn:
            kept = replace(self._kept, **values)  # type: ignore[arg-type]
            if kept == self._kept and record_file.of(self._file).exists():
                return
            try:
                record_file.write(self._file, kept)
            except OSError as error:
                log.error("record_not_kept", error=str(error))
            self._kept = kept


def _total_changes(session: Session) -> object:
    """What the writer's connection has changed so far."""
    return getattr(session.connection().connection.driver_connection, "total_changes", None)
