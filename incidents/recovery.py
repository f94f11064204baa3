"""The check sees the fault gone, or back: status, facts, and what is asked then."""

from __future__ import annotations

from datetime import timedelta

from incidents import escalation, notifications, questions, runbook, steps_done, timeline
from incidents import scope as scopes
from incidents.change import Change
from incidents.notifications import Event
from storage.models import Status

_FLAPPING = timedelta(hours=1)  # the same line about coming and going is posted once in that time


def recovered(change: Change) -> bool:
    """Recovered after M successes in a row. False: it was known already."""
    incident = change.incident
    if incident.recovered_at is not None:
        return False
    incident.recovered_at = change.now
    incident.facts = {**incident.facts, "recovered_at": change.now.isoformat()}
    change.moved()
    mitigated = incident.status in (Status.OPEN, Status.ACKNOWLEDGED)
    if mitigated:
        change.status(Status.MITIGATED)
    steps_done.by_recovery(change)
    check = incident.facts.get("check", {})
    data = {
        "passes": check.get("passes"),
        "by_recovery": mitigated,
        "scope": scopes.snapshot(change.scope()),
    }
    seldom = _seldom(change, "recovered")
    entry = change.entry("recovered", data)
    change.audit("recovered", incident.reference, data={"check": check.get("name")})
    asked = questions.ask_due(change)
    if mitigated and seldom:
        notifications.announce(change, Event.MITIGATED, entry)
        questions.desk_note(change)
    elif not asked and seldom:
        notifications.announce(change, Event.STATUS, entry)
    change.show()
    return True


def came_back(change: Change, *, felt: bool = True) -> None:
    """It fails again, N in a row, after it had recovered.

    Not `felt`: what fails carries no traffic. Nobody is rung for that, but what was asked since it
    had recovered (switch back?) is withdrawn.
    """
    incident = change.incident
    if incident.recovered_at is None:
        return
    incident.recovered_at = None
    incident.facts = {
        name: value for name, value in incident.facts.items() if name != "recovered_at"
    }
    change.moved()
    if not felt:
        questions.withdraw(change)
        change.show()
        return
    felt_again = incident.status == Status.MITIGATED and not _mitigated_by_a_step(change)
    if felt_again:
        incident.mitigated_at = None
        change.status(Status.ACKNOWLEDGED if incident.owner else Status.OPEN)
    questions.withdraw(change)
    seldom = _seldom(change, "came_back")
    entry = change.entry(
        "came_back",
        {
            "failures": incident.facts.get("check", {}).get("failures_now"),
            "scope": scopes.snapshot(change.scope()),
        },
    )
    change.audit("came_back", incident.reference)
    if seldom:
        notifications.announce(change, Event.GOT_WORSE if felt_again else Event.STATUS, entry)
    if felt_again and incident.owner is None:
        escalation.start(change, again=True)
    change.show()


def _mitigated_by_a_step(change: Change) -> bool:
    return any(
        place.plan.mitigates and place.row.verified_at is not None
        for run in runbook.runs_of(change.session, change.incident)
        for place in runbook.places(change.plan, run)
    )


def _seldom(change: Change, kind: str) -> bool:
    """Whether no line of that kind was posted lately."""
    return not any(
        entry.kind == kind and entry.data.get("posted") and change.now - entry.at < _FLAPPING
        for entry in timeline.entries(change.session, change.incident.id)
    )
