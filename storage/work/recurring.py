"""Recurring: items that are never finished, only due again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    select,
    update,
)
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState
from storage.work.changing import end, of_claim
from storage.work.common import note_enqueued
from storage.work.enqueueing import enqueue


def ensure(
    session: Session, *, kind: str, key: str, payload: dict[str, Any], due: datetime, now: datetime
) -> None:
    """Sees to it that a recurring item exists and is not finished; a waiting one stays as it is."""
    if enqueue(session, kind=kind, key=key, payload=payload, due=due, now=now) is not None:
        return
    revived = session.execute(
        update(WorkItem)
        .where(WorkItem.key == key, WorkItem.state.in_((WorkState.DONE, WorkState.PARKED)))
        .values(state=WorkState.PENDING, due=due, attempts=0, payload=payload)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", revived).rowcount:
        note_enqueued(session, kind)


def nearer(
    session: Session, key: str, every: timedelta, now: datetime, by: timedelta = timedelta()
) -> None:
    """No recurring item waits longer than one turn: the clock was set back, or it recurs oftener.

    The item of that key is due at `now + every` at the latest; where it is known `by` how much the
    clock was set back, when it would have been.
    """
    row = session.execute(
        select(WorkItem.id, WorkItem.kind, WorkItem.due).where(
            WorkItem.key == key, WorkItem.state == WorkState.PENDING
        )
    ).one_or_none()
    if row is None:
        return
    due = min(row.due - by, now + every)
    if due >= row.due:
        return
    session.execute(
        update(WorkItem)
        .where(WorkItem.id == row.id, WorkItem.state == WorkState.PENDING, WorkItem.due > due)
        .values(due=due)
        .execution_options(synchronize_session=False)
    )
    note_enqueued(session, row.kind)


def reschedule(session: Session, item_id: int, epoch: int, due: datetime) -> bool:
    """A recurring item has run and is wanted again at `due`. False: stale epoch."""
    return end(session, _RESCHEDULE, item_id, epoch, due=due, settled_epoch=epoch)


_RESCHEDULE = of_claim(
    state=WorkState.PENDING, attempts=0, owner=None, lease_until=None, last_error=None
)


def following(due: datetime, every: timedelta, now: datetime) -> datetime:
    """When a recurring item is due again: in step with its last due time, but once after a pause
    however long, not once for each turn that was missed; nor later than one turn from now, though
    the clock was set back while it ran."""
    coming = due + every
    return coming if now < coming <= now + every else now + every
