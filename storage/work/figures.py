"""The work table in figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import (
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
    # Each made once: PostgreSQL groups by an expression only if its parameters are the same too.
    is_due, is_parked = WorkItem.due <= now, WorkItem.state == WorkState.PARKED
    counted = session.execute(
        select(
            WorkItem.kind,
            is_parked,
            is_due,
            func.count(),
            func.min(WorkItem.due),
        )
        .where(WorkItem.state != WorkState.DONE)
        .group_by(WorkItem.kind, is_parked, is_due)
    ).all()
    found: dict[str, Depth] = {}
    for kind, parked, due, count, oldest in counted:
        depth = found.get(kind, Depth(kind, 0, 0, 0, None))
        if parked:
            depth = replace(depth, parked=depth.parked + count)
        elif due:
            depth = replace(depth, due=count, oldest=oldest)
        else:
            depth = replace(depth, waiting=count)
        found[kind] = depth
    return [found[kind] for kind in sorted(found)]
