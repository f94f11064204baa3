"""Changes of one item, and what follows from them for others: its successor, its order key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Update, bindparam, delete, select, update
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState
from storage.work.common import PENDING, WORK, execute, note_enqueued
from storage.work.ordering import let_next_go


def of_claim(**values: Any) -> Update:
    """The end of a claim: `values`, and what `end` is given, for an item under its epoch."""
    return (
        update(WORK)
        .where(
            WORK.c.id == bindparam("claimed_id"),
            WORK.c.epoch == bindparam("claimed_epoch"),
            WORK.c.state == WorkState.CLAIMED,
        )
        .values(**values)
        .returning(WORK.c.id, WORK.c.kind, WORK.c.order_key)
    )


def end(
    session: Session,
    statement: Update,
    item_id: int,
    epoch: int,
    *,
    ends: bool = False,
    **values: Any,
) -> bool:
    """Executes an `of_claim`. False: the epoch is stale."""
    named = {"claimed_id": item_id, "claimed_epoch": epoch, **values}
    return changed(session, statement, named, ends=ends)


def changed(
    session: Session, statement: Update, values: dict[str, Any], *, ends: bool = False
) -> bool:
    """Executes an update of one row that returns id, kind and order key. False: there was none.

    Its kind is looked at again after the commit: for its new due time, or, where it `ends`, for
    the next one of its order key.
    """
    row = execute(session, statement, values).one_or_none()
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


_SUCCESSOR = select(WORK.c.id, WORK.c.priority, WORK.c.order_key).where(
    WORK.c.refreshes == bindparam("what"),
    WORK.c.state == PENDING,
    WORK.c.id != bindparam("item"),
)


def _fold(session: Session, item_id: int, refreshes: str, priority: int) -> bool:
    successor = execute(session, _SUCCESSOR, {"what": refreshes, "item": item_id}).one_or_none()
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
