"""Alerts of other systems, taken up as findings of their door: the same subject is one incident.

A door hears what is so and what is over, in any order and more than once: a sender that met no
answer sends again, and of two replicas the second may be the quicker. So the last word about each
key is kept, and an older one does nothing. Several keys of one subject are one incident; it is over
when its source has said so of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.alerts.model import Alert
from checks.model import CheckResult, Finding
from incidents import facts as facts_of
from incidents import privacy
from incidents.detection.findings import Taken, take_check_result
from incidents.organisation import House
from plan.model import IncidentType
from storage.models import AlertState
from storage.models.alerts import ALERT

REPEATED = timedelta(minutes=5)  # within this time a sender tries again what met no answer


@dataclass
class _News:
    """What a body says that was not known, by subject."""

    findings: dict[str, Finding] = field(default_factory=dict)
    ended: dict[str, datetime | None] = field(default_factory=dict)  # and when, by the source


def take_alerts(
    session: Session,
    house: House,
    door: str,
    alerts: Sequence[Alert],
    received_at: datetime,
    now: datetime,
) -> Taken:
    """Opens, updates or recovers incidents by what a body of the door says.

    May be called again with the same body: what it said is known then. Raises KeyError for a type
    that the plan does not have.
    """
    news = _News()
    for alert in alerts:
        _hear(session, house, door, alert, received_at, news)
    session.flush()
    over = [subject for subject in news.ended if not _fires(session, door, subject)]
    result = CheckResult(
        name=ALERT + door,
        ran_at=min(received_at, now),
        findings=tuple(news.findings.values()),
        healthy_subjects=tuple(one for one in over if one not in news.findings),
        recovered_facts={one: _ended(news.ended[one]) for one in over},
    )
    taken = take_check_result(session, house, result, now)
    at_once = tuple(one for one in over if one in news.findings)
    if not at_once or taken.failed:
        return taken
    # It began and was over in one body: both are told.
    ended = replace(result, findings=(), healthy_subjects=at_once)
    after = take_check_result(session, house, ended, now)
    return replace(taken, recovered=(*taken.recovered, *after.recovered), failed=after.failed)


def _hear(
    session: Session, house: House, door: str, alert: Alert, received_at: datetime, news: _News
) -> None:
    row = session.get(AlertState, (door, alert.key), with_for_update=True)
    if row is not None and _is_old(row, alert, received_at):
        return
    if alert.over:
        if row is None:  # it began before anybody was told
            return
        news.ended[row.subject] = alert.ended
        row.firing, row.said_at = False, received_at
        return
    finding = _finding(house, alert)
    if row is None:
        row = AlertState(door=door, key=alert.key, subject=finding.subject)
        session.add(row)
    elif row.firing and row.subject != finding.subject:
        news.ended.setdefault(row.subject, None)
    row.subject, row.firing = finding.subject, True
    row.started_at = alert.started or row.started_at
    row.fired_at = row.said_at = received_at
    news.findings[finding.subject] = _joined(news.findings.get(finding.subject), finding)


def _is_old(row: AlertState, alert: Alert, received_at: datetime) -> bool:
    """Whether a later word about the key has been heard."""
    if alert.started is None or row.started_at is None:
        return received_at < row.said_at
    if alert.started != row.started_at:
        return alert.started < row.started_at
    # Of the same outage: what began once is over once, unless the source takes it up again later.
    last = row.fired_at or row.said_at
    return not alert.over and not row.firing and received_at - last <= REPEATED


def _finding(house: House, alert: Alert) -> Finding:
    kind = house.plan.incident_type(alert.incident_type)
    return Finding(
        subject=_screened_subject(alert.subject),
        incident_type=kind.id,
        facts=_nested(_screened(kind, alert.facts)),
        severity=alert.severity,
        started_at=alert.started,
        says=privacy.masked(alert.says) if alert.says else None,
    )


def _screened(kind: IncidentType, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A source's own texts as they may be posted."""
    known = kind.facts
    return {
        name: privacy.masked(value) if name in known and known[name].kind == "text" else value
        for name, value in facts.items()
    }


def _screened_subject(subject: str) -> str:
    """What looks personal is told from another by a digest, and is not shown."""
    shown = privacy.masked(subject)
    return subject if shown == subject else f"{shown}#{sha256(subject.encode()).hexdigest()[:12]}"


def _nested(facts: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in facts.items():
        made = facts_of.put(made, name, value)
    return made


def _joined(one: Finding | None, other: Finding) -> Finding:
    """Two alerts of one subject in one body: the more severe leads, what either knows is known."""
    if one is None:
        return other
    first, second = sorted((one, other), key=lambda f: f.severity or 5)
    began = [f.started_at for f in (one, other) if f.started_at is not None]
    return Finding(
        subject=first.subject,
        incident_type=first.incident_type,
        facts=facts_of.merged(second.facts, first.facts),
        severity=first.severity,
        started_at=min(began, default=None),
        says=first.says or second.says,
    )


def _fires(session: Session, door: str, subject: str) -> bool:
    wanted = select(AlertState.key).where(
        AlertState.door == door, AlertState.subject == subject, AlertState.firing
    )
    return session.scalar(wanted.limit(1)) is not None


def _ended(at: datetime | None) -> dict[str, Any]:
    return {"alert": {"ended_at": at.isoformat() if at is not None else None}}
