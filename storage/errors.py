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


class DiskFull(StorageUnavailable):
    """There is no room for what was to be written. Nothing of it stands."""


class TooLate(StorageError):
    """A delivery was not stored within its time; nothing was written."""
