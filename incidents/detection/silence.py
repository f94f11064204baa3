"""Silence after *Not an incident*: it has an end, stands on the home tab, and breaks.

What was dismissed opens nothing while its subject goes on failing as it did: until it passes,
for `limits.not_an_incident` at most. It is told anew when its severity would be higher, or when
twice as many are affected at this moment as when it was dismissed, and at least ten; what came
together over time does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import Finding
from incidents import loading
from incidents.lifecycle import severity
from incidents.organisation import House
from storage.models import CheckState, Incident, Status

_AT_LEAST = 10
_PRESENT = "present"  # in `CheckState.figures`: how it stood when it was last told
_OVER = "over"  # there too: the number of the incident since which it has passed


@dataclass(frozen=True)
class Silence:
    """A dismissed incident whose subject still fails."""

    incident: Incident
    until: datetime


def until(house: House, incident: Incident) -> datetime:
    return (incident.resolved_at or incident.detected_at) + house.dismissed_for


def told(house: House, state: CheckState, finding: Finding) -> None:
    """Its incident is open and has this figure: a dismissal is measured by it."""
    present = _measured(house, finding)
    rest = {name: value for name, value in state.figures.items() if name != _OVER}
    if state.figures != {**rest, _PRESENT: present}:
        state.figures = {**rest, _PRESENT: present}


def passed(state: CheckState) -> None:
    """Its subject is in order again: what was dismissed is over."""
    state.figures = {**state.figures, _OVER: state.figures.get("incident")}


def holds(
    house: House, state: CheckState, finding: Finding, dismissed: Incident, now: datetime
) -> bool:
    """Whether the finding is still the one that somebody called no incident."""
    if state.figures.get(_OVER) == dismissed.number or now >= until(house, dismissed):
        return False
    if dismissed.resolved_at is not None and dismissed.resolved_at > now + house.dismissed_for:
        return False  # the clock was set back
    before, present = state.figures.get(_PRESENT), _measured(house, finding)
    if before is None:
        return True
    doubled = present["count"] >= max(_AT_LEAST, 2 * before["count"])
    return not doubled and present["severity"] >= before["severity"]


def standing(session: Session, house: House, now: datetime) -> list[Silence]:
    """What is silenced at this moment, the one that ends first at the beginning."""
    numbers: set[int] = set()
    failing = select(CheckState.figures).where(CheckState.subject != "", CheckState.failing)
    for figures in session.scalars(failing):
        number = figures.get("incident")
        if number and figures.get(_OVER) != number:
            numbers.add(int(number))
    found = []
    for number in numbers:
        incident = loading.incident_of(session, number)
        if incident is not None and incident.status == Status.DISMISSED:
            end = until(house, incident)
            if end > now:
                found.append(Silence(incident, end))
    return sorted(found, key=lambda one: one.until)


def _measured(house: House, finding: Finding) -> dict[str, Any]:
    kind = house.plan.incident_type(finding.incident_type)
    total = len(finding.cases)
    scope = {"facts": dict(finding.facts), "cases": {"total": total}}
    return {
        "count": total if finding.count is None else finding.count,
        "severity": finding.severity or severity.by_rules(kind, scope),
    }
