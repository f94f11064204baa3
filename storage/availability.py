"""Availability: whether the database itself failed, and not what was asked of it."""

from __future__ import annotations

from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError


def is_away(error: BaseException) -> bool:
    """Nobody answers, it is locked or full, or its disk cannot be read.

    SQLite says "malformed" (a bare DatabaseError) where the disk gave it half a page.
    """
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
