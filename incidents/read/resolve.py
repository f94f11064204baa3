"""Resolve: what is still open, by name, before resolving."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents.organisation import House
from incidents.read.reader import Reader, reader_of
from incidents.runbooks import guards
from incidents.shop_actions.looks import GuardLooks
from incidents.sources import alert_of
from incidents.views import ResolveView
from storage.models import CheckState


def resolve_view(
    session: Session,
    house: House,
    incident_id: int,
    now: datetime,
    looks: GuardLooks | None,
) -> ResolveView:
    """`looks`: the fresh looks of the hard guards, made by the bot before this."""
    reader = reader_of(session, house, incident_id, now)
    failing = _failing(reader)
    standing = guards.standing(reader.change(), looks, None)
    causes = reader.plan.causes
    first = [name for name in reader.section.causes if name in causes]
    rest = [name for name in causes if name not in first]
    return ResolveView(
        reference=reader.incident.reference,
        version=reader.incident.version,
        incident_number=reader.incident.number,
        scope=reader.scope,
        refused=tuple((unmet.words, unmet.scope) for unmet in standing.refused),
        open_guards=tuple((unmet.words, unmet.scope) for unmet in standing.open_guards),
        open_steps=tuple((place.plan.title, reader.scope) for place in standing.open_steps),
        open_cases=standing.open_cases,
        open_amount=standing.open_amount,
        causes=tuple((name, causes[name].label) for name in [*first, *rest]),
        cause=reader.incident.cause,
        improvement_needed_for=tuple(
            name for name, cause in causes.items() if cause.needs_improvement
        ),
        owner=reader.owner,
        failing=failing.name if failing is not None else None,
        failing_door=alert_of(failing.name) if failing is not None else None,
        failing_since=failing.first_failure_at if failing is not None else None,
    )


def _failing(reader: Reader) -> CheckState | None:
    """A check whose last run did not find the incident's subject in order, the longest first."""
    return reader.session.scalars(
        select(CheckState)
        .where(CheckState.subject == reader.incident.subject, CheckState.failures > 0)
        .order_by(CheckState.first_failure_at)
    ).first()
