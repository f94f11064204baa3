"""Asking somebody who may press to do it: the way of who lacks the right, bounded by the hour.

Nobody is rung for what there is not, nor for what the one asked may not do either; who asks may ask
so often in an hour, and who is asked hears of it so often, however many ask.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import authorise, loading, people
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right
from storage.models import TimelineEntry

ASKED = "asked_person"
HOUR = timedelta(hours=1)
BY_ONE = 3  # times in an hour that one person has others asked, over all incidents
OF_ONE = 6  # times in an hour that one person is asked, by whomever


def ask_person(
    session: Session, house: House, number: int, actor: Actor, person: str, what: str, now: datetime
) -> Outcome:
    """ "Ask Mei": who may press it is told what is wanted, once an hour of an incident."""
    incident = loading.incident_of(session, number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{number}")
    change = Change(session, house, incident, actor, now)
    refused = authorise.refuse(change, Right.ASK)
    if refused is not None:
        return refused
    asked = people.person(session, person)
    may_see = authorise.may_see(house, incident, person)
    if asked is None or not may_see or not house.roles_of(person) & _roles(change, what):
        return Outcome(False, "not_offered", number=number)
    lately = _lately(session, now)
    if any(one.incident_id == incident.id and one.data.get("to") == person for one in lately):
        return Outcome(True, "asked", {"who": asked}, number=number)  # they know it
    by_me = [one for one in lately if one.actor == actor.user_id]
    of_them = [one for one in lately if one.data.get("to") == person]
    if len(by_me) >= BY_ONE or len(of_them) >= OF_ONE:
        oldest = min(one.at for one in (by_me if len(by_me) >= BY_ONE else of_them))
        params = {"who": asked, "until": oldest + HOUR}
        return Outcome(False, "asked_enough", params, number=number)
    entry = change.entry(ASKED, {"to": person, "what": what})
    change.audit("ask_person", person, data={"what": what})
    notifications.announce(
        change,
        Event.REMINDER,
        people=(person,),
        params={"who": actor.user_id, "what": what},
        mark=f"ask-{entry.sequence}",
    )
    return Outcome(True, "asked", {"who": asked}, number=number)


def _roles(change: Change, what: str) -> frozenset[str]:
    """Who may do what is asked for: a step or an action of this incident's plan; else nobody."""
    place, action = change.place(what), change.plan.actions.get(what)
    if place is not None:
        return frozenset({place.plan.role})
    return frozenset(action.roles) if action is not None else frozenset()


def _lately(session: Session, now: datetime) -> list[TimelineEntry]:
    return list(
        session.scalars(
            select(TimelineEntry).where(TimelineEntry.kind == ASKED, TimelineEntry.at > now - HOUR)
        )
    )
