"""Finding an incident and what it runs under."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents.house import House
from plan.loader import restore_plan
from plan.model import Plan
from storage.models import LIVE_STATUSES, Incident, PlanContent

_INCIDENT = select(Incident).where(Incident.number == bindparam("number"))
_LOCKED = _INCIDENT.with_for_update().execution_options(populate_existing=True)


def incident_of(session: Session, number: int, *, lock: bool = False) -> Incident | None:
    """The incident of that number. `lock`: nobody else changes it until the commit."""
    return session.scalar(_LOCKED if lock else _INCIDENT, {"number": number})


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
