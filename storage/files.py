"""Files of the database: readable by their owner alone (rule 9), and overwritten where emptied."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

BESIDE = ("-wal", "-shm", "-journal")  # SQLite keeps these beside a database
PRIVATE = 0o600
_CLEAR = "0007"  # from this revision on, nothing of a customer stands in clear


def keep_private(path: Path) -> None:
    """The file and what SQLite keeps beside it; a new database is created so."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))
    for ending in ("", *BESIDE):
        file = path.with_name(path.name + ending)
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(PRIVATE)


def rewrite(path: Path) -> None:
    """Nothing that was deleted is left in the file or in its write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
        connection.execute("pragma secure_delete = on").close()
        connection.execute("pragma wal_checkpoint(truncate)").close()
        connection.execute("vacuum").close()
        connection.execute("pragma wal_checkpoint(truncate)").close()


def in_clear(folder: Path, database: Path) -> list[Path]:
    """Older copies in the folder, whose revision still kept the shop's answers in clear."""
    found = []
    for file in sorted(folder.iterdir()):
        if file == database or file.name.endswith(BESIDE) or not file.is_file():
            continue
        revision = _revision(file)
        if revision is not None and revision < _CLEAR:
            found.append(file)
    return found


def _revision(file: Path) -> str | None:
    """The schema of a file that is a database of Muster's; None: it is something else."""
    try:
        with file.open("rb") as opened:
            if opened.read(16) != b"SQLite format 3\x00":
                return None
        address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.execute("select 1 from action_attempts limit 1").close()
            row = connection.execute("select version_num from alembic_version").fetchone()
    except (OSError, sqlite3.Error):
        return None
    return None if row is None else str(row[0])
