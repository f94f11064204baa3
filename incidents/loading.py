"""Finding an incident and what it runs under."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents.house import House
from plan.loader import restore_plan
from plan.model import Plan
from storage.models import LIVE_STATUSES, Incident, PlanContent


def incident_of(session: Session, number: int, *, lock: bool = False) -> Incident | None:
    """The incident of that number. `lock`: nobody else changes it until the commit."""
    found = select(Incident).where(Incident.number == number)
    if lock:
        found = found.with_for_update()
    return session.scalar(found.execution_options(populate_existing=lock))


def live_incident(session: Session, fingerprint: str) -> Incident | None:
    """The open incident of a subject in a section; at most one by the unique index."""
    return session.scalar(
        select(Incident)
        .where(Incident.fingerprint == fingerprint, Incident.status.in_(LIVE_STATUSES))
        .with_for_update()
    )


@lru_cache(maxsize=8)
def _restored(content: str) -> Plan:
    return restore_plan(content)


def plan_of(session: Session, house: House, incident: Incident) -> Plan:
    """The plan that the incident runs under: the version at its opening, kept by hash."""
    if incident.plan_hash == house.loaded.hash:
        return house.plan
    kept = session.get(PlanContent, incident.plan_hash)
    return house.plan if kept is None else _restored(kept.content)


def fingerprint(section: str, subject: str) -> str:
    return f"{section}|{subject}"
