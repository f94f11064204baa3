"""The clock was set back: what waits for a moment of the wrong future is brought near again.

The system clock of a machine may run hours ahead until somebody corrects it. What was written in
that time names moments that are hours away; without this, checks and messages would rest so long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.common import UNFINISHED, note_enqueued

_LONGEST_REST = timedelta(minutes=15)  # of a message, a delivery or an action between two tries
_SKEW = timedelta(seconds=2)  # between the clocks of replicas
_SELDOM = "%/later"  # an action's seldom look has long pauses of its own


def bring_near(session: Session, now: datetime) -> int:
    """Gives what waits for the wrong future its pause from `now` on. How many items it were."""
    written_ahead = session.execute(
        select(WorkItem.id, WorkItem.due, WorkItem.created_at).where(
            WorkItem.state.in_(UNFINISHED),
            WorkItem.state != WorkState.CLAIMED,
            WorkItem.created_at > now + _SKEW,
        )
    ).all()
    for row in written_ahead:
        pause = max(timedelta(), row.due - row.created_at)
        session.execute(
            update(WorkItem)
            .where(WorkItem.id == row.id)
            .values(due=now + pause)
            .execution_options(synchronize_session=False)
        )
    resting = session.execute(
        update(WorkItem)
        .where(
            WorkItem.state.in_((WorkState.PENDING, WorkState.UNCLEAR)),
            WorkItem.due > now + _LONGEST_REST,
            or_(
                WorkItem.kind.in_((WorkKind.INTAKE, WorkKind.MESSAGE)),
                and_(WorkItem.kind == WorkKind.ACTION, WorkItem.key.not_like(_SELDOM)),
            ),
        )
        .values(due=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(  # taken over at the end of its lease, if that is by this clock before its due
        update(WorkItem)
        .where(
            WorkItem.state.in_(UNFINISHED), WorkItem.state == WorkState.CLAIMED, WorkItem.due > now
        )
        .values(due=now)
        .execution_options(synchronize_session=False)
    )
    count = len(written_ahead) + cast("CursorResult[Any]", resting).rowcount
    if count:
        for kind in WorkKind:
            note_enqueued(session, kind)
    return count
