"""Dialect: which of the two engines a session speaks to, and the statement that each spells its own
way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from sqlalchemy.dialects import sqlite


def is_postgres(session: Session) -> bool:
    """Whether the session's server is PostgreSQL; the alternative is SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def insert_into(target: Any, *, postgres: bool) -> sqlite.Insert:
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`.

    An engine's dialect is loaded when it is used: that of PostgreSQL takes a twentieth of the
    start, which a bot on SQLite does not need. Both have these methods with the same meaning.
    """
    if postgres:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(target)  # type: ignore[return-value]  # alike, but not related
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(target)
