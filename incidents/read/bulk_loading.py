"""Bulk loading: many incidents for a list, runs, cases and attempts of all in one question each.

What few of them need (the timeline, names, a running attempt's own scope) is read when it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents import case_totals
from incidents.organisation import House
from incidents.read.reader import Reader
from incidents.runbooks import runs
from storage.models import ActionAttempt, Incident

_ATTEMPTS = (
    select(ActionAttempt)
    .where(ActionAttempt.incident_id.in_(bindparam("incidents", expanding=True)))
    .order_by(ActionAttempt.id)
)


def readers(
    session: Session, house: House, incidents: Sequence[Incident], now: datetime
) -> list[Reader]:
    """A reader of each, with its runs, cases and attempts read already.

    Attempts of those alone whose next step may be on its way: they hold encrypted words, which
    nobody wants of an incident that rests or has ended.
    """
    if not incidents:
        return []
    runs.read_ahead(session, incidents)
    cases = case_totals.read_cases_of(session, [incident.id for incident in incidents])
    attempts: dict[int, list[ActionAttempt]] = {
        incident.id: [] for incident in incidents if incident.live and not _rests(incident, now)
    }
    if attempts:
        for attempt in session.scalars(_ATTEMPTS, {"incidents": list(attempts)}):
            attempts[attempt.incident_id].append(attempt)
    return [
        Reader(
            session,
            house,
            incident,
            now,
            cases=cases[incident.id],
            attempts=attempts.get(incident.id),
        )
        for incident in incidents
    ]


def _rests(incident: Incident, now: datetime) -> bool:
    return incident.quiet_until is not None and incident.quiet_until > now
