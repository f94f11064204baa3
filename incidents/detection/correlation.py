"""Correlation: what belongs together is one thread, the cause leads, its effects stand in it with
their own runbooks. A fault of the system found while orders suffer from it takes them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from checks.model import CheckResult, Finding
from incidents import loading
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.lifecycle.incident_updates import update_incident
from incidents.organisation import Actor, House
from incidents.runbooks import step_completion
from storage.models import LIVE_STATUSES, Case, Incident

_SHARED = 0.5  # of a finding's cases must be the other incident's, to be its effect


def facts_for(incident: Incident, finding: Finding, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """A joined effect must not overwrite the facts of the cause."""
    if finding.incident_type == incident.incident_type:
        return facts
    return {name: value for name, value in facts.items() if name not in incident.facts}


def join_finding(
    session: Session,
    house: House,
    result: CheckResult,
    finding: Finding,
    facts: Mapping[str, Any],
    now: datetime,
) -> Incident | None:
    """The open incident of the system that the finding is an effect of; it takes the finding in."""
    kind = house.plan.incident_type(finding.incident_type)
    if kind.family != "order" or kind.private or not finding.cases:
        return None
    cause = _cause(session, finding)
    if cause is None:
        return None
    change = Change(session, house, cause, Actor(result.source), now)
    section = house.plan.section_of(finding.incident_type)
    if section.id not in change.plan.sections:
        return None
    change.moved()
    changed = update_incident(
        session,
        house,
        cause,
        facts_for(cause, finding, facts),
        finding.cases,
        now,
        actor=change.actor,
        source=result.source,
        found=True,
    )
    # What is only watched has no work of its own beside that of its cause.
    watched = section.handling == "watch"
    if not watched and section.id not in {run.section for run in change.runs}:
        step_completion.add_section(change, section.id)
    elif changed or not watched:
        entry = change.entry("cases", {"total": len(finding.cases)})
        notifications.announce(change, Event.STATUS, entry)
    change.audit("joined", finding.subject, data={"type": finding.incident_type})
    change.show()
    return cause


def _cause(session: Session, finding: Finding) -> Incident | None:
    """The open system incident that shares at least half of the finding's cases."""
    keys = [(case.kind, case.key) for case in finding.cases]
    shared = session.execute(
        select(Incident.number, func.count(Case.id).label("shared"))
        .join(Case, Case.incident_id == Incident.id)
        .where(
            Incident.status.in_(LIVE_STATUSES),
            Incident.family == "system",
            Incident.private.is_(False),
            tuple_(Case.kind, Case.key).in_(keys[:1000]),
        )
        .group_by(Incident.number)
        .order_by(func.count(Case.id).desc())
        .limit(1)
    ).one_or_none()
    if shared is None or shared.shared < _SHARED * min(len(keys), 1000):
        return None
    return loading.incident_of(session, shared.number, lock=True)
