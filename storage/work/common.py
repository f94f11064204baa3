"""What the functions of the work table share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState

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


def mine(item_id: int, epoch: int) -> Any:
    return (
        update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.epoch == epoch, WorkItem.state == WorkState.CLAIMED)
        .execution_options(synchronize_session=False)
    )


def changed(session: Session, statement: Any, *, ends: bool = False) -> bool:
    """Executes an update of one row. False: there was none (the epoch is stale).

    Its kind is looked at again after the commit: for its new due time, or, where it `ends`, for
    the next one of its order key.
    """
    row = session.execute(statement.returning(WorkItem.kind, WorkItem.order_key)).one_or_none()
    if row is not None and (not ends or row.order_key is not None):
        note_enqueued(session, row.kind)
    return row is not None


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def fold_successor(session: Session, item: WorkItem) -> None:
    """A refresh that goes back to pending takes over its successor's newer payload."""
    if item.refreshes is None:
        return
    session.flush()
    if _fold(session, item.id, item.refreshes, item.priority):
        session.refresh(item, ["payload", "priority"])


def fold_row(session: Session, item_id: int, refreshes: str, priority: int) -> None:
    """The same for a row that is not read: its payload may be one that cannot be decoded."""
    _fold(session, item_id, refreshes, priority)


def _fold(session: Session, item_id: int, refreshes: str, priority: int) -> bool:
    successor = session.execute(
        select(WorkItem.id, WorkItem.priority).where(
            WorkItem.refreshes == refreshes,
            WorkItem.state == PENDING,
            WorkItem.id != item_id,
        )
    ).one_or_none()
    if successor is None:
        return False
    newer = select(WorkItem.payload).where(WorkItem.id == successor.id).scalar_subquery()
    session.execute(
        update(WorkItem)
        .where(WorkItem.id == item_id)
        .values(payload=newer, priority=min(priority, successor.priority))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(WorkItem)
        .where(WorkItem.id == successor.id)
        .execution_options(synchronize_session=False)
    )
    return True
