"""Dead letters: what could not be delivered or done, named without personal data, tried again, and
told.

An operator sees it in `muster doctor`, `muster work list` and, who is on call, in App Home. When a
message of an incident is set aside, on-call hears of it once an hour.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import people, privacy
from incidents.alerting import notifications, oncall
from incidents.alerting.notifications import TABLE, Event
from incidents.authorise import may_see, refuse_in_house
from incidents.change import Change
from incidents.organisation import SYSTEM_ACTOR, Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right
from incidents.views import StuckView
from storage import audit, work
from storage.models import LIVE_STATUSES, Incident, WorkItem, WorkKind, WorkState
from storage.work import Stuck

log = structlog.get_logger(__name__)

ROLE = "oncall"
_NO_CHANNEL = "no channel is configured"  # as delivery says it
_ARCHIVED = "is_archived"  # as Slack says it
_DETAIL = 160  # characters of a reason that has no words of its own
_NAMED = frozenset({"card", "runbook", "log", "page", "desk", "review"})
_REASONS = {
    "channel": r"channel_not_found|is_archived|no fallback|no channel is configured",
    "root": r"the root of its thread",
    "person": r"user_disabled|user_not_found|users_not_found|user_not_visible|cannot_dm_bot",
    "scope": r"missing_scope|no_permission|access_denied|not_allowed_token_type",
    "page": r"page webhook",
}


def what_of(item: Stuck) -> str:
    """Code of what it is: card, runbook, log, direct, file, message, action, intake …"""
    if item.kind != "message":
        return item.kind
    do, template = str(item.payload.get("do")), str(item.payload.get("template"))
    if do in ("direct", "file", "page", "home"):
        return do
    return template if template in _NAMED else "message"


def reason_of(item: Stuck) -> str:
    """Code of why, or "other": then `detail_of` says it."""
    for code, pattern in _REASONS.items():
        if re.search(pattern, item.error or ""):
            return code
    return "other"


def detail_of(item: Stuck) -> str:
    """The recorded reason in one line, without what looks personal."""
    lines = (item.error or "").strip().splitlines() or ["no reason was recorded"]
    return privacy.masked(lines[0][:_DETAIL])


def incident_of(session: Session, item: Stuck) -> Incident | None:
    """The incident that it belongs to, where its references name one."""
    number = item.payload.get("incident")
    return session.get(Incident, int(number)) if isinstance(number, int) else None


def views(session: Session, house: House, user_id: str, limit: int) -> tuple[StuckView, ...]:
    """The first of what waits, for somebody on call; a private incident is not named to others."""
    return tuple(
        view_of(session, item, house, user_id) for item in work.parked(session, limit=limit)
    )


def view_of(session: Session, item: Stuck, house: House, user_id: str) -> StuckView:
    incident = incident_of(session, item)
    shown = incident is not None and may_see(house, incident, user_id)
    person = item.payload.get("person")
    return StuckView(
        id=item.id,
        what=what_of(item),
        reference=incident.reference if incident is not None and shown else None,
        person=people.person(session, str(person)) if person else None,
        reason=reason_of(item),
        detail=detail_of(item),
        since=item.since,
    )


def retry(
    session: Session, house: House, actor: Actor, ids: Collection[int] | None, now: datetime
) -> Outcome:
    """Somebody on call has these tried again, or all of them."""
    refused = refuse_in_house(session, house, actor, Right.RETRY, now)
    if refused is not None:
        return refused
    again = retry_items(session, actor, ids, now)
    return Outcome.done("retried", count=len(again)) if again else Outcome.refused("retry_none")


def retry_items(
    session: Session, actor: Actor, ids: Collection[int] | None, now: datetime
) -> list[Stuck]:
    """The same for who may do it anyway (the command line). Each is in the audit log."""
    again = work.unpark_all(session, now, ids)
    for item in again:
        data = {"kind": item.kind, "key": item.key if item.kind == "message" else None}
        audit.record_house(
            session, actor, "work.retried", str(item.id), result="done", data=data, now=now
        )
    return again


def channel_found(session: Session, house: House, now: datetime) -> list[Stuck]:
    """What was set aside for want of a channel that is configured by now is tried again.

    An incident whose audience never had a channel moves to the one that its kind has now.
    """
    _move_to_channels(session, house)
    waiting = work.parked(session, kind="message")
    roots = {
        str(item.payload.get("message")): item.id
        for item in waiting
        if _NO_CHANNEL in (item.error or "") and item.payload.get("audience") in house.audiences
    }
    below = [item.id for item in waiting if item.payload.get("thread") in roots]
    ids = {*roots.values(), *below}
    return retry_items(session, SYSTEM_ACTOR, ids, now) if ids else []


def channel_open_again(session: Session, house: House, channel: str, now: datetime) -> list[Stuck]:
    """What was set aside because a channel was archived is tried again: it no longer is.

    What waits below such a message goes with it. Nothing, where the house does not post there.
    """
    if channel not in {audience.channel for audience in house.audiences.values()}:
        return []
    waiting = work.parked(session, kind="message")
    archived = [item for item in waiting if _ARCHIVED in (item.error or "")]
    roots = {str(item.payload.get("message")) for item in archived}
    below = [item.id for item in waiting if item.payload.get("thread") in roots]
    ids = {*(item.id for item in archived), *below}
    return retry_items(session, SYSTEM_ACTOR, ids, now) if ids else []


def _move_to_channels(session: Session, house: House) -> None:
    for incident in session.scalars(
        select(Incident).where(
            Incident.status.in_(LIVE_STATUSES), Incident.audience.not_in(list(house.audiences))
        )
    ):
        found = house.audience_of(incident.audience, private=incident.private)
        if found not in house.audiences:
            continue
        for item in session.scalars(
            select(WorkItem).where(
                WorkItem.kind == WorkKind.MESSAGE, WorkItem.state == WorkState.PARKED
            )
        ):
            named = (item.payload.get("incident"), item.payload.get("audience"))
            if named == (incident.id, incident.audience):
                item.payload = {**item.payload, "audience": found}
        incident.audience = found
    session.flush()


def tell(change: Change, item_id: int) -> None:
    """On-call hears of it directly, once for each incident and hour.

    Where the message that says so cannot be delivered itself, the next in line hears of it.
    """
    item = change.session.get(WorkItem, item_id)
    if item is None or item.state != WorkState.PARKED:
        return
    person = item.payload.get("person")
    line = oncall.who(change.house, ROLE, change.now)
    if item.payload.get("template") == TABLE[Event.NOT_DELIVERED].template:
        line = line[line.index(str(person)) + 1 :] if person in line else ()
    following = [one for one in line if one != person]
    if not following:
        log.error("nobody_to_tell_of_parked", item=item_id, incident=change.incident.reference)
        return
    notifications.announce(
        change,
        Event.NOT_DELIVERED,
        people=following[:1],
        params={"item": item_id},
        mark=f"{change.now:%Y%m%d%H}",
    )
