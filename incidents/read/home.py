"""Home of one person: what waits for them first, then what is open, theirs and lately closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import people
from incidents.alerting import dead_letters
from incidents.detection import silence
from incidents.lifecycle import follow_ups
from incidents.organisation import House
from incidents.read import week
from incidents.read.lists import checks, incident_list, list_items, visible
from incidents.read.open_items import words_of_item
from incidents.read.reader import Reader
from incidents.views import HomeView, ListItem, PersonView
from plan.languages import DEFAULT
from storage import work
from storage.models import FollowUp, Incident, Person, Status

_RECENT = timedelta(days=14)
_SILENCED = 10
_STUCK = 5  # shown of what waits for an operator


def home(session: Session, house: House, user_id: str, now: datetime) -> HomeView:
    """What one person sees of the house."""
    person = session.get(Person, user_id)
    open_ones = incident_list(session, house, now, user_id=user_id)
    recent = session.scalars(
        select(Incident)
        .where(
            Incident.status.in_((Status.RESOLVED, Status.REVIEWED)),
            Incident.resolved_at >= now - _RECENT,
        )
        .order_by(Incident.resolved_at.desc())
        .limit(10)
    )
    on_call = dead_letters.ROLE in house.roles_of(user_id)
    return HomeView(
        person=people.person(session, user_id) or PersonView(user_id, user_id),
        language=person.language if person is not None else DEFAULT,
        roles=tuple(sorted(house.roles_of(user_id))),
        mine=tuple(
            item for item in open_ones if item.owner is not None and item.owner.user_id == user_id
        ),
        open=tuple(
            item for item in open_ones if item.owner is None or item.owner.user_id != user_id
        ),
        recent=list_items(
            session,
            house,
            [incident for incident in recent if visible(house, user_id, incident)],
            now,
        ),
        follow_ups=tuple(
            (incident.reference, _text(session, house, incident, item, now), item.due, item.id)
            for incident, item in follow_ups.open_for(session, user_id)
        ),
        checks=checks(session),
        now=now,
        stuck=dead_letters.views(session, house, user_id, _STUCK) if on_call else (),
        silenced=_silenced(session, house, user_id, now),
        stuck_count=sum(depth.parked for depth in work.depths(session, now)) if on_call else 0,
        approvals=week.approvals(session, house, user_id, now),
        late=week.late_items(session, house, user_id, now),
        at_stake=week.at_stake(session, house, user_id),
    )


def _silenced(
    session: Session, house: House, user_id: str, now: datetime
) -> tuple[tuple[ListItem, datetime], ...]:
    found = [
        one
        for one in silence.standing(session, house, now)
        if visible(house, user_id, one.incident)
    ][:_SILENCED]
    items = list_items(session, house, [one.incident for one in found], now)
    return tuple((item, one.until) for item, one in zip(items, found, strict=True))


def _text(session: Session, house: House, incident: Incident, item: FollowUp, now: datetime) -> str:
    person = session.get(Person, item.owner) if item.owner else None
    language = person.language if person is not None else DEFAULT
    words = words_of_item(Reader(session, house, incident, now), item)
    return words if isinstance(words, str) else words.in_(language)
