"""Errors: what can be wrong with Muster's own database, each as one sentence with its remedy."""

from __future__ import annotations


class StorageError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class CannotOpen(StorageError):
    """The address is unusable or nobody answers there."""


class NotThere(CannotOpen):
    """There is none yet, or nothing in it: the first start makes it."""


class WrongKey(StorageError):
    """The database was written with another MUSTER_KEY."""


class WrongSchema(StorageError):
    """The database stands at another version of the schema than this program."""


class AlreadyRunning(StorageError):
    """Another process runs on this SQLite database."""


class StorageUnavailable(StorageError):
    """The database did not take the work: locked, full or gone for a while. Worth repeating."""


class RecordLost(StorageUnavailable):
    """What stands at the database's place is not what Muster has open: nothing is written."""

    def __init__(self, code: str, name: str) -> None:
        super().__init__(_LOST[code].format(name=name))
        self.code = code


_LOST = {
    "removed": "{name} was removed while Muster ran",
    "replaced": "{name} was replaced by another file while Muster ran",
    "log_lost": "{name}-wal, the log of the database, was removed while Muster ran",
    "written_over": "{name} was written over by another program while Muster ran",
    "another": "the database {name} is another one than Muster was started on",
    "older": "the database {name} was put back to an older state while Muster ran",
}


class DiskFull(StorageUnavailable):
    """There is no room for what was to be written. Nothing of it stands."""


class TooLate(StorageError):
    """A delivery was not stored within its time; nothing was written."""
