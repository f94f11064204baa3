"""Reachability of what an open incident needs: who is rung, who watches, where it is posted.

A role may lose its last person, a check may be taken out of the configuration, a channel may be
missing, all amid an incident. It is said where people see it, once, and mended when it is back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import timeline
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.organisation import SYSTEM_ACTOR, House
from incidents.sources import alert_of, by_itself, name_of
from storage import outbox
from storage.models import LIVE_STATUSES, Incident, TimelineEntry

_SAID = ("nobody_to_ring", "unwatched")


def look(session: Session, house: House, now: datetime) -> None:
    """Looks at every open incident; to be called at the start and now and then."""
    live = list(
        session.scalars(
            select(Incident).where(Incident.status.in_(LIVE_STATUSES)).order_by(Incident.id)
        )
    )
    said = _said(session, [incident.id for incident in live])
    for incident in live:
        change = Change(session, house, incident, SYSTEM_ACTOR, now)
        lost = house.asked(change.kind.role).nobody or unwatched_by(house, incident) is not None
        if lost or incident.id in said:
            _somebody_to_ring(change)
            _somebody_watches(change)


def _said(session: Session, ids: list[int]) -> set[int]:
    """Those of which something was said to be missing."""
    return set(
        session.scalars(
            select(TimelineEntry.incident_id)
            .where(TimelineEntry.incident_id.in_(ids), TimelineEntry.kind.in_(_SAID))
            .distinct()
        )
    )


def look_at(change: Change) -> None:
    """At the opening: whether somebody is rung, and whether it stands anywhere."""
    _somebody_to_ring(change)
    _stands_somewhere(change)


def _somebody_to_ring(change: Change) -> None:
    if not change.incident.nobody_has_it:
        return
    role = change.house.asked(change.kind.role)
    if role.nobody:
        escalation.say_nobody(change)
        return
    last = timeline.last_of(change.session, change.incident.id, "nobody_to_ring", "role_filled")
    if last is None or last.kind == "role_filled" or last.data.get("why") != "nobody":
        return
    rings = notifications.may_ring(change, Event.OPENED)
    change.entry("role_filled", {"role": change.kind.role, "rung": rings})
    change.audit("role_filled", change.kind.role)
    if rings:
        mark = f"{change.now.timestamp():.0f}"
        notifications.announce(change, Event.OPENED, people=role.chain, mark=mark)
    escalation.start(change, again=True)
    change.show()


def unwatched_by(house: House, incident: Incident) -> str | None:
    """The check that found it and is no longer configured."""
    if house.checks is None or not incident.live or not by_itself(incident.source):
        return None
    name = name_of(incident.source)
    return None if name in house.checks else name


def _somebody_watches(change: Change) -> None:
    name = unwatched_by(change.house, change.incident)
    last = timeline.last_of(change.session, change.incident.id, "unwatched", "watched")
    said = last is not None and last.kind == "unwatched"
    if (name is not None) == said:
        return
    check = name_of(change.incident.source)
    kind = "unwatched" if name is not None else "watched"
    change.entry(kind, {"check": check, "door": alert_of(change.incident.source)})
    change.audit(kind, check)
    change.show()


def _stands_somewhere(change: Change) -> None:
    """Who declared it hears when there is no channel that it could be posted to."""
    incident, house = change.incident, change.house
    if house.audience(incident.audience) is not None or incident.created_by is None:
        return
    outbox.direct(
        change.session,
        key=f"{incident.reference}/dm/{incident.created_by}/no_channel/1",
        template="no_channel",
        person=incident.created_by,
        incident=incident,
        params={"event": "no_channel"},
        ring=(incident.created_by,),
        now=change.now,
    )
