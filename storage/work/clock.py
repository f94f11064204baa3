"""The clock was set back: what waits for a moment of the wrong future is brought near again.

The system clock of a machine may run hours ahead until somebody corrects it. What was written in
that time names moments that are hours away; without this, checks and messages would rest so long.

What waits for so and so long is brought near. An appointment is kept: a day, an hour that a person
named, the morning. A timer that counts from a moment has that moment in its payload (`since`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from storage.models.work import WorkItem, WorkKind, WorkState
from storage.work.common import UNFINISHED, note_enqueued

_LONGEST_REST = timedelta(minutes=15)  # of a message, a delivery or an action between two tries
_SOON = timedelta(seconds=5)  # after an unclear outcome so much must pass before it is looked up
_SKEW = timedelta(seconds=2)  # between the clocks of replicas
_SELDOM = "%/later"  # an action's seldom look has long pauses of its own
_WAITING = (WorkState.PENDING, WorkState.UNCLEAR)


@dataclass(frozen=True)
class SetBack:
    """By how much the clock of this process was set back, and since when it had run as it did."""

    by: timedelta
    since: datetime  # by the clock as it was


def bring_near(session: Session, now: datetime, exactly: SetBack | None = None) -> int:
    """Gives what waits for the wrong future its pause from `now` on. How many items it were.

    `exactly`: what is known of how the clock was set; else only what must be wrong is mended.
    """
    count = _messages(session, now, exactly) + _timers(session, now, exactly)
    session.execute(  # taken over at the end of its lease, if that is by this clock before its due
        update(WorkItem)
        .where(
            WorkItem.state.in_(UNFINISHED), WorkItem.state == WorkState.CLAIMED, WorkItem.due > now
        )
        .values(due=now)
        .execution_options(synchronize_session=False)
    )
    if count:
        for kind in WorkKind:
            note_enqueued(session, kind)
    return count


def _messages(session: Session, now: datetime, exactly: SetBack | None) -> int:
    """Messages, deliveries and actions: the next try is soon. There may be a hundred thousand."""
    ahead: list[ColumnElement[bool]] = [
        WorkItem.created_at > now + _SKEW,
        WorkItem.due > now + _LONGEST_REST,
    ]
    wrong = or_(*ahead) if exactly is None else WorkItem.due > now + _SOON
    rests = update(WorkItem).where(
        WorkItem.state.in_(_WAITING),
        WorkItem.due > now + _SOON,
        wrong,
        or_(
            WorkItem.kind.in_((WorkKind.INTAKE, WorkKind.MESSAGE)),
            and_(WorkItem.kind == WorkKind.ACTION, WorkItem.key.not_like(_SELDOM)),
        ),
    )
    done = session.execute(
        rests.values(due=now + _SOON).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", done).rowcount


def _timers(session: Session, now: datetime, exactly: SetBack | None) -> int:
    """Timers that count from a moment: moment and due time go back with the clock."""
    since = now + _SKEW if exactly is None else min(exactly.since, now + _SKEW)
    rows = session.execute(
        select(WorkItem.id, WorkItem.due, WorkItem.created_at, WorkItem.payload).where(
            WorkItem.kind == WorkKind.TIMER,
            WorkItem.state.in_(_WAITING),
            WorkItem.due > now,
            WorkItem.created_at >= since,
        )
    ).all()
    count = 0
    for row in rows:
        if "since" not in row.payload or _just_written(row.created_at, now, exactly):
            continue
        by = exactly.by if exactly is not None else row.created_at - now
        session.execute(
            update(WorkItem)
            .where(WorkItem.id == row.id)
            .values(
                due=row.due - by,
                created_at=row.created_at - by,
                payload=_counted_from(row.payload, by),
            )
            .execution_options(synchronize_session=False)
        )
        count += 1
    return count


def _just_written(created_at: datetime, now: datetime, exactly: SetBack | None) -> bool:
    """After the clock was set, before that was noticed: it is right as it is."""
    return exactly is not None and now - _SKEW <= created_at <= now


def _counted_from(payload: Mapping[str, Any], by: timedelta) -> dict[str, Any]:
    since = datetime.fromisoformat(str(payload["since"])) - by
    return {**payload, "since": since.isoformat()}
