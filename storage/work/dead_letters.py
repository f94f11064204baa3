"""Dead letters: what cannot go on by itself, parked items, and those whose outcome is not known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkState
from storage.work.common import PARKED, UNFINISHED
from storage.work.settling import unpark


@dataclass(frozen=True)
class Stuck:
    """An item that waits for an operator (`parked`), or is being looked up (`unclear`)."""

    id: int
    kind: str
    key: str
    state: str
    since: datetime  # when it was asked for
    attempts: int
    error: str | None
    payload: Mapping[str, Any]  # references only
    result: Mapping[str, Any] | None


def parked(session: Session, *, kind: str | None = None, limit: int | None = None) -> list[Stuck]:
    """What is set aside for an operator, the oldest first."""
    wanted = select(WorkItem).where(WorkItem.state == PARKED).order_by(WorkItem.id)
    if kind is not None:
        wanted = wanted.where(WorkItem.kind == kind)
    return [_stuck(item) for item in session.scalars(wanted.limit(limit))]


def unclear_now(session: Session, *, limit: int | None = None) -> list[Stuck]:
    """What Muster is looking up by itself, the oldest first."""
    wanted = (
        select(WorkItem)
        .where(WorkItem.state.in_(UNFINISHED), WorkItem.state == WorkState.UNCLEAR)
        .order_by(WorkItem.id)
    )
    return [_stuck(item) for item in session.scalars(wanted.limit(limit))]


def unpark_all(session: Session, now: datetime, ids: Collection[int] | None = None) -> list[Stuck]:
    """Has parked items tried again: these, or all of them. Which ones that were."""
    wanted = select(WorkItem).where(WorkItem.state == PARKED).order_by(WorkItem.id)
    if ids is not None:
        wanted = wanted.where(WorkItem.id.in_(list(ids)))
    stuck = [_stuck(item) for item in session.scalars(wanted.with_for_update())]
    return [item for item in stuck if unpark(session, item.id, now)]


def _stuck(item: WorkItem) -> Stuck:
    return Stuck(
        id=item.id,
        kind=item.kind,
        key=item.key,
        state=str(item.state),
        since=item.created_at,
        attempts=item.attempts,
        error=item.last_error,
        payload=dict(item.payload),
        result=item.result,
    )
