"""Figures: what the database says of the bot's state, gathered in one read: for readiness and
metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import work
from storage.models import LIVE_STATUSES, CheckState, Incident
from storage.models.alerts import ALERT
from storage.work import Depth, Undelivered

SEVERITIES = (1, 2, 3, 4)


@dataclass(frozen=True)
class CheckFigures:
    """One check: when it last ran and for how long, how many subjects it finds at fault, whether
    it could look."""

    name: str
    last_run_at: datetime | None
    last_took: float | None  # seconds
    failing: int
    blind: bool


@dataclass(frozen=True)
class Figures:
    """The state at one moment. No references and no customer data stand in here."""

    at: datetime
    states: Mapping[tuple[str, str], int]  # items by kind and state, finished ones apart
    depths: tuple[Depth, ...]
    undelivered: Undelivered
    checks: tuple[CheckFigures, ...]
    incidents: Mapping[int, int]  # open ones by severity

    @property
    def parked(self) -> int:
        return sum(depth.parked for depth in self.depths)

    def undelivered_age(self, now: datetime) -> float:
        """Seconds since the oldest message that does not stand in Slack was committed."""
        since = self.undelivered.since
        return 0.0 if since is None else max(0.0, (now - since).total_seconds())

    def check(self, name: str) -> CheckFigures | None:
        return next((check for check in self.checks if check.name == name), None)


def read_figures(session: Session, now: datetime) -> Figures:
    """One read, answered from indexes and small tables."""
    return Figures(
        at=now,
        states=work.states(session),
        depths=tuple(work.depths(session, now)),
        undelivered=work.undelivered(session),
        checks=_checks(session),
        incidents=_incidents(session),
    )


def _checks(session: Session) -> tuple[CheckFigures, ...]:
    rows = session.execute(
        select(
            CheckState.name,
            CheckState.subject,
            CheckState.failing,
            CheckState.last_run_at,
            CheckState.last_duration_ms,
            CheckState.last_error,
        ).where(CheckState.name.not_like(f"{ALERT}%"))
    ).all()
    return tuple(
        CheckFigures(
            name=row.name,
            last_run_at=row.last_run_at,
            last_took=None if row.last_duration_ms is None else row.last_duration_ms / 1000,
            failing=sum(1 for other in rows if other.name == row.name and other.failing),
            blind=row.last_error is not None,
        )
        for row in sorted(rows)
        if row.subject == ""  # the check itself
    )


def _incidents(session: Session) -> dict[int, int]:
    counted = session.execute(
        select(Incident.severity, func.count())
        .where(Incident.status.in_(LIVE_STATUSES))
        .group_by(Incident.severity)
    )
    return dict.fromkeys(SEVERITIES, 0) | {int(s): int(count) for s, count in counted}
