"""Record confirmation: that the record was restored is said on every open incident, and somebody
who has looked confirms it there (docs/decisions/0033).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import people, restoration, timeline
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.command_table import Stage, command
from incidents.lifecycle.command_guard import act_on
from incidents.organisation import SYSTEM_ACTOR, Actor, House
from incidents.outcome import Outcome
from incidents.rights import OR_OWNER
from storage.models import Incident, Restoration, RestoredIncident


def tell(session: Session, house: House, now: datetime) -> int:
    """At the start: each incident that was open in what was restored has its line, in thread and
    card. How many."""
    told = 0
    untold = select(Restoration).where(Restoration.told_at.is_(None))
    for restored in session.scalars(untold.with_for_update()).all():  # one replica of several
        restored.told_at = now
        for incident in session.scalars(
            select(Incident)
            .join(RestoredIncident, RestoredIncident.incident_id == Incident.id)
            .where(RestoredIncident.restoration_id == restored.id)
            .order_by(Incident.id)
        ).all():
            _tell(Change(session, house, incident, SYSTEM_ACTOR, now), restored)
            told += 1
    return told


def _tell(change: Change, restored: Restoration) -> None:
    since = restored.reaches_to.isoformat()
    entry = change.entry("restored", {"since": since})
    change.audit("restored", change.incident.reference, data={"reaches_to": since})
    notifications.announce(change, Event.STATUS, entry)
    change.show()


def _open(change: Change) -> bool:
    return restoration.reaches_to(change.session, change.incident) is not None


@command(
    "confirm_record",
    OR_OWNER,
    offered={Stage.UNOWNED: 5, Stage.OWNED: 5},
    offered_if=_open,
)
def confirm_record(
    session: Session, house: House, number: int, actor: Actor, now: datetime
) -> Outcome:
    """Somebody has compared the record with thread and shop: it counts again as it stands."""

    def work(change: Change) -> Outcome:
        marks = restoration.unconfirmed(session, change.incident.id)
        if not marks:
            return _confirmed_before(change)
        since = restoration.reaches_to(session, change.incident)
        for mark in marks:
            mark.confirmed_by, mark.confirmed_at = actor.user_id, now
        entry = change.entry("record_confirmed")
        reaches_to = since.isoformat() if since is not None else None
        change.audit("confirm_record", change.incident.reference, data={"reaches_to": reaches_to})
        notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done("record_confirmed", quiet=True)

    return act_on(session, house, number, actor, now, "confirm_record", work)


def _confirmed_before(change: Change) -> Outcome:
    last = timeline.last_of(change.session, change.incident.id, "record_confirmed")
    actor = people.person(change.session, last.actor) if last is not None else None
    return Outcome.refused("record_confirmed", actor=actor)
