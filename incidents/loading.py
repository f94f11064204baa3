"""Loading: finding an incident and what it runs under."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents.organisation import House
from plan.kept_plan import restore_plan
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


class PlanShelf:
    """Plans that were read lately, by the hash of their content: one is read in about 0.1 s."""

    def __init__(self, room: int = 8) -> None:
        self._room = room
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lock = Lock()  # reads run in several threads

    def get(self, plan_hash: str) -> Plan | None:
        with self._lock:
            found = self._plans.get(plan_hash)
            if found is not None:
                self._plans.move_to_end(plan_hash)
            return found

    def put(self, plan_hash: str, plan: Plan) -> None:
        with self._lock:
            self._plans[plan_hash] = plan
            while len(self._plans) > self._room:
                self._plans.popitem(last=False)


_SHELF = PlanShelf()


def plan_of(session: Session, house: House, incident: Incident) -> Plan:
    """The plan that the incident runs under: the version at its opening, kept by hash."""
    known = plan_at_hand(house, incident.plan_hash)
    if known is not None:
        return known
    kept = session.get(PlanContent, incident.plan_hash)
    if kept is None:
        return house.plan
    plan = restore_plan(kept.content)
    _SHELF.put(incident.plan_hash, plan)
    return plan


def plan_at_hand(house: House, plan_hash: str) -> Plan | None:
    """The plan of that hash if it is in memory; no database is asked (rule 7)."""
    return house.plan if plan_hash == house.loaded.hash else _SHELF.get(plan_hash)
