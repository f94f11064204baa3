"""Figures: the work table in figures. Every question is answered from the partial indexes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import (
    bindparam,
    false,
    func,
    select,
)
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.common import PARKED, UNFINISHED, WORK, execute

TWIN_LOOK = "/twins/"  # in the key of a later look for a message that stands twice


def next_due(session: Session, kind: str, now: datetime) -> datetime | None:
    """When the next item of this kind becomes due after `now`; None when none waits.

    What stands behind another is woken by that one's end.
    """
    due: datetime | None = execute(session, _NEXT_DUE, {"of_kind": kind, "now": now}).scalar_one()
    return due


_NEXT_DUE = select(func.min(WORK.c.due)).where(
    WORK.c.kind == bindparam("of_kind"),
    WORK.c.state.in_(UNFINISHED),
    WORK.c.behind == false(),
    WORK.c.due > bindparam("now"),  # no claimed one: it was due when it was claimed
)


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
    # Made once: PostgreSQL groups by an expression only if its parameters are the same too.
    is_due = WorkItem.due <= now
    counted = session.execute(
        select(WorkItem.kind, is_due, func.count(), func.min(WorkItem.due))
        .where(WorkItem.state.in_(UNFINISHED))
        .group_by(WorkItem.kind, is_due)
    ).all()
    found: dict[str, Depth] = {}
    for kind, due, count, oldest in counted:
        depth = found.get(kind, Depth(kind, 0, 0, 0, None))
        counted_so = {"due": count, "oldest": oldest} if due else {"waiting": count}
        found[kind] = replace(depth, **counted_so)
    for kind, count in _parked(session):
        found[kind] = replace(found.get(kind, Depth(kind, 0, 0, 0, None)), parked=count)
    return [found[kind] for kind in sorted(found)]


def states(session: Session) -> dict[tuple[str, str], int]:
    """How many items of each kind stand in each state; finished ones are not counted."""
    counted = session.execute(
        select(WorkItem.kind, WorkItem.state, func.count())
        .where(WorkItem.state.in_(UNFINISHED))
        .group_by(WorkItem.kind, WorkItem.state)
    )
    found = {(str(kind), str(state)): int(count) for kind, state, count in counted}
    return found | {(kind, str(WorkState.PARKED)): count for kind, count in _parked(session)}


def _parked(session: Session) -> list[tuple[str, int]]:
    counted = session.execute(
        select(WorkItem.kind, func.count()).where(WorkItem.state == PARKED).group_by(WorkItem.kind)
    )
    return [(str(kind), int(count)) for kind, count in counted]


@dataclass(frozen=True)
class Undelivered:
    """What is said and does not stand in Slack yet."""

    count: int
    since: datetime | None  # when the oldest of them was committed


def undelivered(session: Session) -> Undelivered:
    """Messages on their way. Their age counts from the commit: each try moves the due time on.

    What a person must see to (parked) is counted apart, and a later look for a twin is no message.
    """
    row = session.execute(
        select(func.count(), func.min(WorkItem.created_at)).where(
            WorkItem.kind == WorkKind.MESSAGE,
            WorkItem.state.in_(UNFINISHED),
            WorkItem.key.not_like(f"%{TWIN_LOOK}%"),
        )
    ).one()
    return Undelivered(int(row[0]), row[1])
