"""Stalled steps: a complaint that stands still between two steps is reminded of, once a step
(7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.alerting import escalation, notifications, oncall
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.runbooks import runbook
from incidents.runbooks.places import Place

SOURCE = "complaint"


def watch(change: Change) -> None:
    """Starts the clock of the step that is next now."""
    incident = change.incident
    if incident.source != SOURCE or not incident.live:
        return
    place = _next(change)
    if place is None:
        return
    due = change.now + change.house.standstill_after
    if change.house.quiet.holds(due):
        due = change.house.quiet.next_end(due)
    since = change.now.isoformat()
    escalation.timer(change, "standstill", due, key=place.plan.id, step=place.plan.id, since=since)


def remind(change: Change, payload: Mapping[str, Any]) -> None:
    """The step is still next: its owner is told, else who is on duty for it."""
    incident, step_id = change.incident, str(payload["step"])
    place = _next(change)
    if not incident.live or place is None or place.plan.id != step_id or place.under_way:
        return
    if incident.quiet_until is not None and incident.quiet_until > change.now:
        escalation.timer(
            change, "standstill", incident.quiet_until, key=f"{step_id}/quiet", step=step_id
        )
        return
    person = incident.owner or next(
        iter(oncall.who(change.house, place.plan.role, change.now)), None
    )
    if person is None:
        return
    notifications.announce(
        change, Event.REMINDER, people=(person,), params={"step": step_id}, mark=f"still-{step_id}"
    )
    change.entry("rung", {"to": person, "why": "standstill", "step": step_id})


def _next(change: Change) -> Place | None:
    seen = change.scope
    for run in change.runs:
        found = runbook.next_place(change.places(run), seen)
        if found is not None:
            return found
    return None
