"""Changes of one item, and what follows from them for others: its successor, its order key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState
from storage.work.behind import let_next_go
from storage.work.common import PENDING, note_enqueued


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
    row = session.execute(
        statement.returning(WorkItem.id, WorkItem.kind, WorkItem.order_key)
    ).one_or_none()
    if row is not None and ends:
        let_next_go(session, row.id, row.order_key)
    if row is not None and (not ends or row.order_key is not None):
        note_enqueued(session, row.kind)
    return row is not None


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
        select(WorkItem.id, WorkItem.priority, WorkItem.order_key).where(
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
    let_next_go(session, successor.id, successor.order_key)
    return True
