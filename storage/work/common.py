"""Common parts of the work table's functions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, literal_column, text
from sqlalchemy.orm import Session

from storage.dialect import is_postgres
from storage.models.work import WorkItem, WorkState

LEASE_SECONDS = 30
# Written out as literals: neither engine matches a partial index against bound parameters.
UNFINISHED: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"'{state}'")
    for state in (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR)
)
PENDING: ColumnElement[str] = literal_column(f"'{WorkState.PENDING}'")
PARKED: ColumnElement[str] = literal_column(f"'{WorkState.PARKED}'")
WORK = cast("Table", WorkItem.__table__)
_KINDS = "muster_enqueued_kinds"
ERROR_LENGTH = 500


def server_now(session: Session) -> datetime:
    """The clock of leases: the database server's own (rule 8)."""
    if is_postgres(session):
        clock: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
        return clock.astimezone(UTC)
    return datetime.now(UTC)


def enqueued_kinds(session: Session) -> set[str]:
    """Kinds of work that this session made ready; after its commit the workers are woken."""
    return cast("set[str]", session.info.get(_KINDS, set()))


def execute(session: Session, statement: Any, values: dict[str, Any]) -> CursorResult[Any]:
    """A statement of the table itself, made once and run with these values.

    The work table is asked several times for each thing that a person does; to put each question
    together anew, and to have it looked at for objects, takes longer than to answer it.
    """
    return cast("CursorResult[Any]", session.connection().execute(statement, values))


def note_enqueued(session: Session, kind: str) -> None:
    session.info.setdefault(_KINDS, set()).add(kind)
