"""Subjects that failed in earlier runs of a check: its next run has a word for each of them.

What opened under one name must recover under that name, and nobody knows it better than who kept
the failure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from sqlalchemy import Table, bindparam, literal, or_, select
from sqlalchemy.orm import Session

from checks.model import Failed
from storage.models import LIVE_STATUSES, CheckState, Incident

_APART = timedelta(days=1)  # a failure comes before its incident, by less than this
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# Made once: each run of each check asks this.
_STATES, _INCIDENTS = cast("Table", CheckState.__table__), cast("Table", Incident.__table__)
_LIVE = select(_INCIDENTS.c.number, _INCIDENTS.c.detected_at).where(
    _INCIDENTS.c.status.in_(sorted(LIVE_STATUSES))
)
_EVER = (  # most checks never did
    select(literal(1))
    .where(
        _STATES.c.name == bindparam("check"),
        _STATES.c.subject != "",
        _STATES.c.last_failure_at.is_not(None),
    )
    .limit(1)
)
_FAILED = select(
    _STATES.c.subject,
    _STATES.c.first_failure_at,
    _STATES.c.last_failure_at,
    _STATES.c.failures,
    _STATES.c.failing,
    _STATES.c.figures,
).where(
    _STATES.c.name == bindparam("check"),
    _STATES.c.subject != "",
    or_(
        _STATES.c.failing,
        _STATES.c.failures > 0,
        _STATES.c.last_failure_at >= bindparam("since"),
    ),
)


def failed_before(session: Session, name: str) -> dict[str, Failed]:
    """By subject: those that still fail, and those whose incident is still open."""
    connection = session.connection()
    if connection.execute(_EVER, {"check": name}).first() is None:
        return {}
    live = {row.number: row.detected_at for row in connection.execute(_LIVE)}
    # Without an open one nothing can have led to one: later than any failure.
    since = min(live.values(), default=_NEVER) - _APART
    found = {}
    for row in connection.execute(_FAILED, {"check": name, "since": since}):
        opened = live.get(row.figures.get("incident", 0))
        if row.last_failure_at is not None and (row.failing or row.failures or opened):
            known = (row.first_failure_at, row.last_failure_at, opened)
            since = min(moment for moment in known if moment is not None)
            found[row.subject] = Failed(since, row.last_failure_at, opened is not None)
    return found
