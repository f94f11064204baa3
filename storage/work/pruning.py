"""Pruning: finished work that nobody looks up again is deleted after some days, a few rows at a
time.

A delivery is kept that long to recognise it when it comes again. A post is kept for good: when
somebody deletes the message, it is posted anew from the references in its row.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Text, and_, delete, or_, select, type_coerce
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState

_PAGE = 500  # rows looked at, and at most deleted, in one unit
_KINDS = (WorkKind.INTAKE, WorkKind.TIMER, WorkKind.ACTION, WorkKind.CHECK)
# Messages that were for one moment; no other row speaks of them.
_PASSING = ("ephemeral", "respond", "view", "home", "twins", "refresh", "permalink")


def outlived(session: Session, *, before: datetime, after: int = 0) -> tuple[list[int], int | None]:
    """Of the next rows `after` an id: the ids of those to delete, and where to go on.

    None: what follows is younger than `before`. Read beside the writer, page by page.
    """
    page = session.execute(
        select(WorkItem.id, WorkItem.created_at)
        .where(WorkItem.id > after)
        .order_by(WorkItem.id)
        .limit(_PAGE)
    ).all()
    if not any(row.created_at < before for row in page):
        return [], None
    last = int(page[-1].id)
    ids = session.scalars(
        select(WorkItem.id).where(
            WorkItem.id > after,
            WorkItem.id <= last,
            WorkItem.state == WorkState.DONE,
            WorkItem.created_at < before,
            or_(
                WorkItem.kind.in_(_KINDS),
                WorkItem.refreshes.is_not(None),
                and_(WorkItem.kind == WorkKind.MESSAGE, _does(_PASSING)),
            ),
        )
    )
    return list(ids), last


def prune(session: Session, ids: Collection[int]) -> int:
    """Deletes these by their ids, if they are still finished. How many it were."""
    result = session.execute(
        delete(WorkItem)
        .where(WorkItem.id.in_(list(ids)), WorkItem.state == WorkState.DONE)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount


def _does(classes: Collection[str]) -> ColumnElement[bool]:
    """The class of a message. As a text: one row that is no JSON must not keep the rest."""
    payload = type_coerce(WorkItem.payload, Text)
    return or_(*(payload.like(f'%"do": "{each}"%') for each in classes))
