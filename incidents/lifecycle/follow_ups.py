"""Follow ups: what is to be done after an incident, prevention, and what was left open. Reminded
daily.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import people
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.authorise import refuse, refuse_in_house
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right
from storage.models import FollowUp, Incident
from storage.types import Personal


def add(
    change: Change, kind: str, text: str, *, owner: str | None, due: datetime | None
) -> FollowUp:
    """`text` of an open item is a reference ("guard:ID", "step:ID", "cases:N"), else words."""
    item = FollowUp(
        incident_id=change.incident.id,
        kind=kind,
        text=Personal(text),
        owner=owner,
        due=due,
        created_at=change.now,
    )
    change.session.add(item)
    change.session.flush()
    entry = change.entry(
        "follow_up", {"follow_up": item.id, "kind": kind, "to": owner, "due": _iso(due)}
    )
    change.audit("follow_up", str(item.id), data={"entry": entry.sequence, "kind": kind})
    if due is not None and owner is not None:
        _remind(change, item, max(due, change.now + timedelta(minutes=1)))
    return item


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _remind(change: Change, item: FollowUp, due: datetime) -> None:
    quiet = change.house.quiet
    if quiet.holds(due):
        due = quiet.next_end(due)
    escalation.timer(change, "follow_up", due, key=f"{item.id}/{due:%Y%m%d}", follow_up=item.id)


def remind(change: Change, item_id: int) -> None:
    """The day has come and it is not done: its owner is told, once a day until it is."""
    item = change.session.get(FollowUp, item_id)
    if item is None or item.done_at is not None or item.owner is None:
        return
    notifications.announce(
        change,
        Event.REMINDER,
        people=(item.owner,),
        params={"follow_up": item.id, "due": _iso(item.due)},
        mark=f"follow-up-{item.id}-{change.now:%Y%m%d}",
    )
    change.entry("rung", {"to": item.owner, "why": "follow_up", "follow_up": item.id})
    _remind(change, item, change.now + timedelta(days=1))


def ask(session: Session, house: House, item_id: int, actor: Actor, now: datetime) -> Outcome:
    """A manager has its owner reminded now, once an hour."""
    refused = refuse_in_house(session, house, actor, Right.WEEK, now)
    if refused is not None:
        return refused
    item = session.get(FollowUp, item_id, with_for_update=True)
    if item is None or item.done_at is not None or item.owner is None:
        return Outcome.refused("not_offered")
    change = Change(session, house, session.get_one(Incident, item.incident_id), actor, now)
    notifications.announce(
        change,
        Event.REMINDER,
        people=(item.owner,),
        params={"follow_up": item.id, "due": _iso(item.due)},
        mark=f"follow-up-{item.id}-asked-{now:%Y%m%d%H}",
    )
    change.audit("follow_up_asked", str(item.id), data={"to": item.owner})
    return Outcome.done("asked", who=people.person(session, item.owner))


def drop_open_items(change: Change) -> None:
    """Reopened: what was open is worked on again, not followed up."""
    for item in change.session.scalars(
        select(FollowUp).where(
            FollowUp.incident_id == change.incident.id,
            FollowUp.kind == "open_item",
            FollowUp.done_at.is_(None),
        )
    ):
        item.done_at, item.done_by = change.now, change.actor.user_id


def done(session: Session, house: House, item_id: int, actor: Actor, now: datetime) -> Outcome:
    """Its owner, or a responder, says that it is done."""
    item = session.get(FollowUp, item_id, with_for_update=True)
    if item is None:
        return Outcome.refused("not_offered")
    incident = session.get_one(Incident, item.incident_id)
    change = Change(session, house, incident, actor, now)
    if actor.user_id != item.owner:
        refused = refuse(change, Right.FOLLOW_UP)
        if refused is not None:
            return refused
    if item.done_at is not None:
        return Outcome.refused(
            "already_done", actor=people.person(session, item.done_by), at=item.done_at
        )
    item.done_at, item.done_by = now, actor.user_id
    change.entry("follow_up_done", {"follow_up": item.id})
    change.audit("follow_up_done", str(item.id))
    change.show()
    return Outcome(True, "follow_up_done", number=incident.number)


def open_for(session: Session, user_id: str) -> list[tuple[Incident, FollowUp]]:
    """What a person has to do, the soonest first."""
    rows = session.execute(
        select(Incident, FollowUp)
        .join(FollowUp, FollowUp.incident_id == Incident.id)
        .where(FollowUp.owner == user_id, FollowUp.done_at.is_(None))
        .order_by(FollowUp.due, FollowUp.id)
    )
    return [(incident, item) for incident, item in rows]
