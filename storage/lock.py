"""Lock: one running bot a SQLite database, a lock that dies with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from storage.errors import AlreadyRunning, CannotOpen

_SHARED_AT, _SHARED_BYTES = 0x40000002, 510  # where SQLite locks a file that it has open


class InstanceLock:
    """Held through `flock` on a file beside the database; SIGKILL frees it too.

    Beside the file itself, whatever link leads to it. A second name of the file (a hard link) has
    a lock of its own: there SQLite's lock tells that another process has it open.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> InstanceLock:
        """Raises AlreadyRunning with the other process's id."""
        database = database.resolve()
        folder = database.parent
        if not folder.is_dir():
            raise CannotOpen(
                f"database.url: the folder {folder} does not exist; create it or name another."
            )
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotOpen(f"database.url: {path} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise AlreadyRunning(
                f"another muster run (process {other or 'unknown'}) has {database} open: stop it "
                "first, or use PostgreSQL, which several may share."
            ) from None
        if _open_by_another_name(database):
            os.close(descriptor)
            raise AlreadyRunning(
                f"{database} is open under another name (a hard link): stop what uses it, and give "
                "the database one name only."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)


def _open_by_another_name(database: Path) -> bool:
    """Asked before this process opens it: closing a file gives a process's locks on it back."""
    try:
        if database.stat().st_nlink < 2:
            return False
        with database.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_AT)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
