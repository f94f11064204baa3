"""Record file: what is kept beside a SQLite database of it, to know it again.

`muster.db.record` holds the record's name, how far it had come, how far the database file itself
had come without its log, the highest number of an incident, and the head of the audit log. It says
no more than that, and nothing of anybody.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.files import PRIVATE
from storage.identity import Identity, Stamp

ENDING = ".record"


@dataclass(frozen=True)
class Kept:
    """What was last seen of the database."""

    record: str
    beat: int
    written: int = 0  # the beat that stood in the file itself at the last look, without the log
    highest: int = 0
    head: str | None = None

    @property
    def identity(self) -> Identity:
        return Identity(self.record, self.beat)

    @property
    def stamp(self) -> Stamp:
        """At least this stands in the header of the file."""
        return Identity(self.record, self.written).stamp


def of(database: Path) -> Path:
    """The file beside that database."""
    return database.with_name(database.name + ENDING)


def read(database: Path) -> Kept | None:
    """None: there is none, or it cannot be read."""
    try:
        data = json.loads(of(database).read_text(encoding="utf-8"))
        return Kept(
            str(data["record"]),
            int(data["beat"]),
            int(data["written"]),
            int(data["highest"]),
            None if data["head"] is None else str(data["head"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(database: Path, kept: Kept) -> None:
    """Whole, or as it was: a power cut leaves no half of it. Raises OSError."""
    path = of(database)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
    try:
        os.write(descriptor, json.dumps(asdict(kept)).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
