"""File watch: whether the SQLite file that a running bot has open is still the one at its place.

A file that was removed or replaced goes on to be written by who has it open, and all of that is
lost with the process; a file that was copied over is mixed with the log of the one before. So each
unit asks first, by two looks at its place, and is refused when the place leads elsewhere; and the
header of the file itself, past its log, is held against what stood there before.

A connection of its own stays open as long as the watch: so the log is never taken away by SQLite
itself, and what a removed file held can still be saved.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from storage.errors import CannotOpen, RecordLost
from storage.files import keep_private
from storage.identity import Stamp

log = structlog.get_logger(__name__)

_LOOKS = 10  # another program may write its checkpoint at this moment
_BETWEEN = 0.05  # seconds between two of them
_TRIES = 100  # to have the name written to the file
_HEADER = 100  # bytes
Place = tuple[int, int]


class FileWatch:
    """Made once the database is open, named and written to its file."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error; CannotOpen while another program keeps its name out of the file."""
        self._path = path
        real = path.resolve()
        self._log = real.with_name(real.name + "-wal")
        self._turn = threading.RLock()
        self._anchor = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, timeout=5
        )
        self._anchor.execute("select count(*) from sqlite_master").fetchone()  # its log is there
        self._file, self._log_file = _place(path), _place(self._log)
        # Never closed while SQLite has the file open.
        self._header = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._known = self._in_the_file()
        self._written_over = False
        self.problem: RecordLost | None = None  # as of the last question

    def _in_the_file(self) -> Stamp | None:
        """What stands in the file, once the name that the database has now stands there too.

        Who reads an older state keeps it in the log: taken for the file's own, the older name would
        make the next checkpoint look like another file, and the log that of another one.
        """
        (name,) = self._anchor.execute("pragma application_id").fetchone()
        for left in range(_TRIES, -1, -1):
            self._anchor.execute("pragma wal_checkpoint(passive)").fetchall()
            found = self._read()
            if found is None or found.name == name:
                return found
            if left:
                time.sleep(_BETWEEN)
        self._anchor.close()
        os.close(self._header)
        raise CannotOpen(
            f"database.url: another program reads {self._path.name} (a backup, a shell); end it, "
            "then start again."
        )

    def _read(self) -> Stamp | None:
        return _stamp_in(os.pread(self._header, _HEADER, 0))

    @property
    def beat(self) -> int:
        """How far the file itself has come, without its log."""
        return 0 if self._known is None else self._known.beat

    def check(self, *, writer: bool = False) -> None:
        """Raises RecordLost. `writer`: asked by the thread that writes, between two units."""
        found = self._problem(writer=writer)
        if found is not None or self.problem is not None:
            with self._turn:
                self._note(found)
        if found is not None:
            raise found

    def _note(self, found: RecordLost | None) -> None:
        before, self.problem = self.problem, found
        if found is not None and (before is None or before.code != found.code):
            log.critical("record_lost", what=found.code, sentence=str(found))
        elif found is None and before is not None:
            log.warning("record_back", what=before.code)

    def _problem(self, *, writer: bool) -> RecordLost | None:
        if self._written_over:
            return RecordLost("written_over", self._path.name)
        file = _place(self._path)
        if file is None:
            return RecordLost("removed", self._path.name)
        if file != self._file:
            return RecordLost("replaced", self._path.name)
        if self._log_file is not None and _place(self._log) != self._log_file:
            return RecordLost("log_lost", self._path.name)
        if writer:
            self._look()
        return RecordLost("written_over", self._path.name) if self._written_over else None

    def _look(self) -> None:
        """At what stands in the file: SQLite writes there from its log, and nobody else may."""
        found = self._read()
        if found == self._known or self._known is None:
            return
        for _ in range(_LOOKS):
            if found is not None and found.follows(self._known):
                self._known = found
                return
            time.sleep(_BETWEEN)
            found = self._read()
        self._written_over = True

    def rescue(self) -> Path | None:
        """What the open file holds, saved beside the place; None where it is a mixture."""
        if self._written_over:
            return None
        target = self._path.with_name(
            f"{self._path.name}.rescued-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        )
        part = target.with_name(target.name + ".part")
        try:
            keep_private(part)
            with self._turn, closing(sqlite3.connect(part)) as copy:
                self._anchor.backup(copy, pages=-1)
                copy.execute("pragma journal_mode = delete")
            part.replace(target)
        except (sqlite3.Error, OSError) as error:
            part.unlink(missing_ok=True)
            log.error("record_not_rescued", error=str(error))
            return None
        return target

    def close(self) -> None:
        """The last connection to go. The log of a file that was written over is none of its own:
        it is not written into it."""
        aside = self._path.with_name(self._path.name + ".closing")
        if self._written_over:
            with suppress(OSError):
                self._path.replace(aside)  # SQLite writes nothing to a file that has moved
        try:
            self._anchor.close()
        finally:
            os.close(self._header)
            if self._written_over:
                with suppress(OSError):
                    aside.replace(self._path)


def written(path: Path) -> Stamp | None:
    """What stands in the file itself, without its log; None: no database. Not to be asked in a
    process that has it open: whoever closes a file gives the locks of its process on it back."""
    try:
        with path.open("rb") as file:
            return _stamp_in(file.read(_HEADER))
    except OSError:
        return None


def _stamp_in(header: bytes) -> Stamp | None:
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\x00"):
        return None
    return Stamp(int.from_bytes(header[68:72]), int.from_bytes(header[60:64]))


def _place(path: Path) -> Place | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
