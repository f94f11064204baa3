"""Lock: one running bot a SQLite database, a lock that dies with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from storage.errors import AlreadyRunning, CannotOpen


class InstanceLock:
    """Held through `flock` on a file beside the database; SIGKILL frees it too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> InstanceLock:
        """Raises AlreadyRunning with the other process's id."""
        folder = database.absolute().parent
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
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)
