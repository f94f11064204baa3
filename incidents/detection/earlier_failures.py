"""Subjects that failed in earlier runs of a check: its next run has a word for each of them.

What opened under one name must recover under that name, and nobody knows it better than who kept
the failure.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from checks.model import Failed
from storage.models import LIVE_STATUSES, CheckState, Incident

_APART = timedelta(days=1)  # a failure comes before its incident, by less than this


def failed_before(session: Session, name: str) -> dict[str, Failed]:
    """By subject: those that still fail, and those whose incident is still open."""
    open_now = select(Incident.number, Incident.detected_at).where(
        Incident.status.in_(LIVE_STATUSES)
    )
    live = {row.number: row.detected_at for row in session.execute(open_now)}
    states = select(
        CheckState.subject,
        CheckState.first_failure_at,
        CheckState.last_failure_at,
        CheckState.failures,
        CheckState.failing,
        CheckState.figures,
    ).where(CheckState.name == name, CheckState.subject != "")
    fails: list[Any] = [CheckState.failing, CheckState.failures > 0]
    if live:
        fails.append(CheckState.last_failure_at >= min(live.values()) - _APART)
    found = {}
    for row in session.execute(states.where(or_(*fails))):
        opened = live.get(row.figures.get("incident", 0))
        if row.last_failure_at is not None and (row.failing or row.failures or opened):
            known = (row.first_failure_at, row.last_failure_at, opened)
            since = min(moment for moment in known if moment is not None)
            found[row.subject] = Failed(since, row.last_failure_at, opened is not None)
    return found
