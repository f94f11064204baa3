"""What the functions of the work table share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import BindParameter, bindparam, text
from sqlalchemy.orm import Session

from storage.models.work import WorkState

LEASE_SECONDS = 30
# Written out as literals: neither engine matches a partial index against bound parameters.
UNFINISHED: BindParameter[Any] = bindparam(
    "unfinished",
    [str(state) for state in (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR)],
    expanding=True,
    literal_execute=True,
)
PENDING: BindParameter[Any] = bindparam("pending", str(WorkState.PENDING), literal_execute=True)
PARKED: BindParameter[Any] = bindparam("parked", str(WorkState.PARKED), literal_execute=True)
_KINDS = "muster_enqueued_kinds"
ERROR_LENGTH = 500


def server_now(session: Session) -> datetime:
    """The clock of leases: the database server's own (rule 8)."""
    if session.get_bind().dialect.name == "postgresql":
        clock: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
        return clock.astimezone(UTC)
    return datetime.now(UTC)


def enqueued_kinds(session: Session) -> set[str]:
    """Kinds of work that this session made ready; after its commit the workers are woken."""
    return cast("set[str]", session.info.get(_KINDS, set()))


def note_enqueued(session: Session, kind: str) -> None:
    session.info.setdefault(_KINDS, set()).add(kind)


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
