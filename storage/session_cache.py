"""Session cache: what a unit of work has read once and need not read again.

It is forgotten with what it was read from: when a savepoint is rolled back, objects of it may be
gone. What is not the session's own object (a row of figures) is kept with the version of its
tables: each write of this session, by a flush or by a statement, makes another one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

_KNOWN = "muster_known"
_WRITTEN = "muster_written"


def known(session: Session, what: str) -> dict[Any, Any]:
    """What this session knows of a kind of thing, by its key."""
    found: dict[Any, Any] = session.info.setdefault(_KNOWN, {}).setdefault(what, {})
    return found


def version_of(session: Session, *tables: str) -> tuple[int, ...] | None:
    """How often this session has written these tables; None: it has something to write yet."""
    if session.dirty or session.new or session.deleted:
        return None
    written: dict[str, int] = session.info.get(_WRITTEN, {})
    return tuple(written.get(table, 0) for table in tables)


def _wrote(session: Session, table: str) -> None:
    written: dict[str, int] = session.info.setdefault(_WRITTEN, {})
    written[table] = written.get(table, 0) + 1


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: UOWTransaction) -> None:
    for table in {
        str(one.__table__.name) for one in (*session.new, *session.dirty, *session.deleted)
    }:
        _wrote(session, table)


@event.listens_for(Session, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _wrote(state.session, str(state.statement.table.name))  # type: ignore[attr-defined]


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _previous: SessionTransaction) -> None:
    session.info.pop(_KNOWN, None)
