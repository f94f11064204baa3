"""The work table in figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    and_,
    func,
    select,
)
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState
from storage.work.common import UNFINISHED


def next_due(session: Session, kind: str, now: datetime) -> datetime | None:
    """When the next item of this kind becomes due after `now`; None when none waits."""
    return session.execute(
        select(func.min(WorkItem.due)).where(
            WorkItem.kind == kind,
            WorkItem.state.in_(UNFINISHED),
            WorkItem.state != WorkState.CLAIMED,
            WorkItem.due > now,
        )
    ).scalar_one()


@dataclass(frozen=True)
class Depth:
    """How much work of one kind there is."""

    kind: str
    due: int  # unfinished and due by now, what is being worked on included
    waiting: int  # due later
    parked: int
    oldest: datetime | None  # due time of the oldest that is due and unfinished


def depths(session: Session, now: datetime) -> list[Depth]:
    """The work table in figures, one entry for each kind that has unfinished or parked items."""
    unfinished = WorkItem.state.in_(UNFINISHED)
    due = and_(unfinished, WorkItem.due <= now)
    counted = session.execute(
        select(
            WorkItem.kind,
            func.count().filter(due),
            func.count().filter(unfinished, WorkItem.due > now),
            func.count().filter(WorkItem.state == WorkState.PARKED),
            func.min(WorkItem.due).filter(due),
        )
        .where(WorkItem.state != WorkState.DONE)
        .group_by(WorkItem.kind)
        .order_by(WorkItem.kind)
    )
    return [Depth(*row) for row in counted]
