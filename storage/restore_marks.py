"""Restore marks: what a database must know once it was restored from an older backup.

Slack and the shop have seen more than it remembers. So nothing that stands unfinished in it counts
as not done: messages are looked for before they are posted, actions are looked up by their key
before they are sent, and what people had pressed is left to them. Numbers of incidents that it does
not remember are not given out a second time, and what stands in Slack is brought up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from storage import audit, work
from storage.models import (
    LIVE_STATUSES,
    ActionAttempt,
    AttemptState,
    HouseFact,
    Incident,
    SlackMessage,
    WorkItem,
    WorkKind,
    WorkState,
)
from storage.models.alerts import ALERT

_NEVER = -1  # no claim's outcome is known: delivery looks before it repeats
_NUMBER = "incident_number"
_LEAP = 100  # incidents that may have been opened since the backup
_UNFINISHED = (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR)
_IN_PLACE = ("/card", "/runbook", "/desk")  # messages that show the present state
_REFERENCES = ("template", "incident", "params", "language", "audience")
_PRESSED = "acknowledged before the backup was taken; whether it was done is not known: press again"


@dataclass(frozen=True)
class Marked:
    """How much is looked at before it is repeated, and what is left to people."""

    messages: int
    actions: int
    presses: int


def mark_restored(session: Session, now: datetime) -> Marked:
    """Marks it all, in the caller's transaction. To be done once, before the bot is started."""
    messages = _count(
        session,
        update(WorkItem)
        .where(
            WorkItem.kind == WorkKind.MESSAGE,
            WorkItem.state.in_((*_UNFINISHED, WorkState.PARKED)),
        )
        .values(settled_epoch=_NEVER),
    )
    actions = _count(
        session,
        update(ActionAttempt)
        .where(ActionAttempt.state == AttemptState.WRITTEN)
        .values(state=AttemptState.SENT, sent_at=now),
    )
    presses = _count(
        session,
        update(WorkItem)
        .where(
            WorkItem.kind == WorkKind.INTAKE,
            WorkItem.key.not_like(f"{ALERT}%"),  # of other systems: their last word counts anyway
            WorkItem.state.in_(_UNFINISHED),
        )
        .values(state=WorkState.PARKED, last_error=_PRESSED, lease_until=None),
    )
    number = session.get(HouseFact, _NUMBER)
    if number is not None:
        number.value = {"next": int(number.value["next"]) + _LEAP}
    _show_anew(session, now)
    marked = Marked(messages, actions, presses)
    audit.record(
        session,
        chain=audit.HOUSE,
        incident_id=None,
        actor="system",
        roles=(),
        action="restored",
        object="database",
        result="done",
        data=vars(marked),
        now=now,
    )
    return marked


def _show_anew(session: Session, now: datetime) -> None:
    """Slack may show a later state than the database knows: its own is sent in any case."""
    rows = session.scalars(
        select(SlackMessage)
        .join(Incident, Incident.id == SlackMessage.incident_id)
        .where(Incident.status.in_(LIVE_STATUSES), SlackMessage.gone_at.is_(None))
    ).all()
    for row in rows:
        if not any(part in row.key for part in _IN_PLACE):
            continue
        row.content_hash = None
        posted = session.execute(
            select(WorkItem.payload).where(WorkItem.key == f"message:{row.key}")
        ).scalar_one_or_none()
        if posted is not None:
            _refresh(session, row.key, posted, now)


def _refresh(session: Session, key: str, posted: Mapping[str, Any], now: datetime) -> None:
    work.refresh(
        session,
        kind=WorkKind.MESSAGE,
        key=f"refresh:{key}",
        payload={name: posted.get(name) for name in _REFERENCES}
        | {"do": "refresh", "message": key},
        due=now,
        now=now,
        order_key=key,
        priority=4,
    )


def _count(session: Session, statement: Any) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount
