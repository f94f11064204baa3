"""Ownership: who has the incident, taking it, by a button of its own or by pressing a step."""

from __future__ import annotations

from incidents.alerting import escalation
from incidents.change import Change
from storage.models import Status


def take_by_acting(change: Change) -> bool:
    """Pressing a step takes an incident that nobody has, for who may own it. Whether it did.

    Others act without owning: somebody who may has still to take it, and is still reminded.
    """
    if change.incident.owner is not None or not may_own(change, change.actor.user_id):
        return False
    give(change, change.actor.user_id)
    change.entry("taken", {"by_acting": True})
    change.audit("take", change.incident.reference, data={"by_acting": True})
    return True


def may_own(change: Change, person: str) -> bool:
    """Whether the person has one of the section's `owner_roles`."""
    return bool(change.house.roles_of(person) & set(change.section.may_own))


def give(change: Change, person: str) -> None:
    """The incident has an owner; what nobody had is in progress now."""
    incident = change.incident
    incident.owner, incident.owner_since = person, change.now
    if incident.acknowledged_at is None:
        incident.acknowledged_at = change.now
    if incident.status == Status.OPEN:
        change.status(Status.ACKNOWLEDGED)
        change.moved()
    escalation.page_says(change, "acknowledge")
