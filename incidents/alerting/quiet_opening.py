"""Quiet opening: a person wanted nobody rung. It holds until a check finds the same, or another
person wants it to ring; then whoever must act is rung as at an opening, once."""

from __future__ import annotations

from incidents import scope as scopes
from incidents import timeline
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from storage.models import TimelineEntry


def stands(change: Change) -> bool:
    """Whether it was opened quietly, nobody has it, and nobody was rung for it since."""
    return _entry(change) is not None


def end(change: Change, *, rung: bool = False) -> None:
    """It rings after all. `rung`: that was done just now, for another reason."""
    entry = _entry(change)
    if entry is None:
        return
    entry.data = {**entry.data, "rang_at": scopes.iso(change.now)}
    if rung:
        return
    people = escalation.first(change)
    notifications.announce(change, Event.OPENED, people=people, mark="after-quiet")
    change.audit("ring", change.incident.reference, data={"why": "opened_quietly"})
    escalation.start(change, again=True)


def _entry(change: Change) -> TimelineEntry | None:
    if not change.incident.nobody_has_it:
        return None
    found = timeline.last_of(change.session, change.incident.id, "declared")
    quiet = found is not None and found.data.get("quiet") and not found.data.get("rang_at")
    return found if quiet else None
