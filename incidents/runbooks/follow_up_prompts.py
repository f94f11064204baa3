"""Follow up prompts: what Muster asks after the steps, "Northpay passed 3 checks in a row. Mei,
switch back?".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from incidents import scope as scopes
from incidents import timeline
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change, refresh
from plan import expressions
from plan.model import Later
from storage import outbox
from storage.models import Status, TimelineEntry

_ENDED = (Status.DISMISSED, Status.MERGED)


def of_section(change: Change) -> list[Later]:
    """The questions of all runs that are not replaced."""
    found: list[Later] = []
    for run in change.runs:
        found.extend(change.plan.sections[run.section].later)
    return found


def find(change: Change, later_id: str) -> Later | None:
    return next((later for later in of_section(change) if later.id == later_id), None)


def last_asked(change: Change, later_id: str) -> TimelineEntry | None:
    found = None
    for entry in timeline.entries(change.session, change.incident.id):
        if entry.kind == "asked" and entry.data.get("later") == later_id:
            found = entry
    return found


def is_open(entry: TimelineEntry | None) -> bool:
    """Asked and neither answered nor withdrawn."""
    return entry is not None and not entry.data.get("answered") and not entry.data.get("withdrawn")


def ask_due(change: Change) -> bool:
    """Asks what is to be asked now. Whether anything was asked."""
    incident = change.incident
    if incident.status in _ENDED or incident.recovered_at is None:
        return False
    if incident.quiet_until is not None and incident.quiet_until > change.now:
        return False
    asked = False
    for later in of_section(change):
        if later.when != "recovered":
            continue
        last = last_asked(change, later.id)
        if is_open(last) or not _due_again(change, last):
            continue
        if expressions.holds(later.condition, change.scope):
            _ask(change, later)
            asked = True
    return asked


def _due_again(change: Change, last: TimelineEntry | None) -> bool:
    if last is None or last.data.get("withdrawn"):
        return True
    again = (last.data.get("answered") or {}).get("again_at")
    return again is not None and datetime.fromisoformat(again) <= change.now


def _ask(change: Change, later: Later) -> None:
    data = {
        "later": later.id,
        "words": {"later": later.id},
        "scope": scopes.snapshot(change.scope),
    }
    entry = change.entry("asked", data)
    change.audit("ask", later.id)
    rung = notifications.announce(change, Event.YOUR_TURN, entry)
    entry.data = {**entry.data, "told": list(rung)}


def answer(
    change: Change, entry: TimelineEntry, button_id: str, *, again_hours: float | None = None
) -> datetime | None:
    """Notes the answer; the buttons go from the line. When it is asked again, if it is."""
    again = change.now + timedelta(hours=again_hours) if again_hours else None
    answered: dict[str, Any] = {
        "button": button_id,
        "by": change.actor.user_id,
        "at": change.now.isoformat(),
        "again_at": scopes.iso(again),
    }
    entry.data = {**entry.data, "answered": answered}
    _redraw(change, entry)
    return again


def reopen(change: Change, later_id: str) -> None:
    """What was to be done by the answer did not come about: the question stands again."""
    entry = last_asked(change, later_id)
    if entry is not None and entry.data.get("answered"):
        entry.data = {**entry.data, "answered": None}
        _redraw(change, entry)


def withdraw(change: Change) -> None:
    """The reason to ask is gone: open questions lose their buttons. An answer that was given is no
    answer to the same question after the next recovery."""
    for later in of_section(change):
        entry = last_asked(change, later.id)
        if entry is not None and not entry.data.get("withdrawn"):
            entry.data = {**entry.data, "withdrawn": True}
            _redraw(change, entry)


def _redraw(change: Change, entry: TimelineEntry) -> None:
    refresh(
        change.session,
        change.incident,
        notifications.log_key(change, entry),
        "log",
        change.now,
        params={"entry": entry.sequence},
    )
    for person in entry.data.get("told", ()):
        refresh(
            change.session,
            change.incident,
            notifications.direct_key(change, person, Event.YOUR_TURN, str(entry.sequence)),
            notifications.TABLE[Event.YOUR_TURN].template,
            change.now,
            params={"event": str(Event.YOUR_TURN), "entry": entry.sequence},
        )


def desk_note(change: Change) -> None:
    """For the service desk from the opening on; it is edited when anything changes (1.8)."""
    house, incident, note = change.house, change.incident, change.kind.desk
    if house.desk is None or note is None or incident.private:
        return
    if note.active is None and incident.mitigated_at is None:  # a plan of old speaks of the end
        return
    outbox.post(
        change.session,
        key=f"{incident.reference}/desk",
        template="desk",
        incident=incident,
        audience=house.desk,
        priority=2,
        now=change.now,
    )
