"""Restore marks: what a database must know once it was restored from an older backup.

Slack and the shop have seen more than it remembers. So nothing that stands unfinished in it counts
as not done: messages are looked for before they are posted, actions are looked up by their key
before they are sent, and what people had pressed is left to them. Numbers of incidents that it does
not remember are not given out a second time, and what stands in Slack is brought up to date.

What was begun after it has left no trace in it. So it is kept up to which moment it reaches, with
the incidents that were open: the bot says so at its start, and asks before it acts on them
(incidents.restoration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from storage import audit, numbers, work
from storage.models import (
    LIVE_STATUSES,
    ActionAttempt,
    AttemptState,
    AuditEntry,
    CheckState,
    Incident,
    Restoration,
    RestoredIncident,
    SlackMessage,
    TimelineEntry,
    WorkItem,
    WorkKind,
    WorkState,
)
from storage.models.alerts import ALERT

_NEVER = -1  # no claim's outcome is known: delivery looks before it repeats
_LEAP = 100  # incidents that may have been opened since the backup
_VERSIONS = 1000  # of an incident that Slack may have buttons of, and the record does not know
MAY_BE_SENT = "may_be_sent"  # the problem of an attempt that was written before, and never seen
_UNFINISHED = (WorkState.PENDING, WorkState.CLAIMED, WorkState.UNCLEAR)
_IN_PLACE = ("/card", "/runbook", "/desk")  # messages that show the present state
_REFERENCES = ("template", "incident", "params", "language", "audience")
_PRESSED = "acknowledged before the backup was taken; whether it was done is not known: press again"


@dataclass(frozen=True)
class Marked:
    """Up to when it reaches, how much that stood unfinished is looked at before it is repeated, and
    what is left to people. What was begun after it is in no count: nothing here knows of it."""

    reaches_to: datetime
    incidents: int
    messages: int
    actions: int
    presses: int


def mark_restored(session: Session, now: datetime) -> Marked:
    """Marks it all, in the caller's transaction. To be done once, before the bot is started."""
    reaches_to, incidents = _mark_incidents(session, now)
    messages = _count(
        session,
        update(WorkItem)
        .where(
            WorkItem.kind == WorkKind.MESSAGE,
            WorkItem.state.in_((*_UNFINISHED, WorkState.PARKED)),
        )
        .values(settled_epoch=_NEVER),
    )
    actions = _looked_up(session, now)
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
    numbers.raise_to(session, numbers.highest(session) + _LEAP)
    _show_anew(session, now)
    marked = Marked(reaches_to, incidents, messages, actions, presses)
    data = {**vars(marked), "reaches_to": reaches_to.isoformat()}
    audit.record_system(session, "restored", "database", data=data, now=now)
    return marked


def _mark_incidents(session: Session, now: datetime) -> tuple[datetime, int]:
    """Notes what is restored, and each incident that is open in it; their buttons in Slack, drawn
    for versions that the record does not know, are old from now on."""
    open_ones = list(session.scalars(select(Incident).where(Incident.status.in_(LIVE_STATUSES))))
    untold = session.scalar(select(Restoration).where(Restoration.told_at.is_(None)))
    if untold is not None:  # marked a moment ago, and no bot has run since
        return untold.reaches_to, len(open_ones)
    made = Restoration(reaches_to=_newest(session) or now, restored_at=now)
    session.add(made)
    session.flush()
    for incident in open_ones:
        incident.version += _VERSIONS
        session.add(RestoredIncident(restoration_id=made.id, incident_id=incident.id))
    return made.reaches_to, len(open_ones)


def _newest(session: Session) -> datetime | None:
    """The newest moment that it knows of: a bot that runs writes one with every check."""
    columns = (
        AuditEntry.at,
        TimelineEntry.at,
        SlackMessage.posted_at,
        WorkItem.created_at,
        WorkItem.finished_at,
        CheckState.last_run_at,
    )
    found = [session.scalar(select(func.max(column))) for column in columns]
    return max((one for one in found if one is not None), default=None)


def _looked_up(session: Session, now: datetime) -> int:
    """What was written down may have been sent since; what was sent may have ended since."""
    _count(
        session,
        update(ActionAttempt)
        .where(ActionAttempt.state == AttemptState.WRITTEN)
        .values(state=AttemptState.SENT, sent_at=now, problem=MAY_BE_SENT),
    )
    pending = (AttemptState.SENT, AttemptState.UNKNOWN)
    return len(
        session.scalars(select(ActionAttempt.id).where(ActionAttempt.state.in_(pending))).all()
    )


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
