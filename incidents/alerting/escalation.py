"""Escalation: nobody has it, so again to the person on duty, then the next in line, then a page.

Timers are work items with a due time (decision 3); what they find when they fire decides, so taking
the incident needs to cancel nothing. After downtime all stages that were missed are made up for in
one go: whoever they would have rung is rung, and nobody twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from incidents import scope as scopes
from incidents import timeline
from incidents.alerting import notifications, oncall
from incidents.alerting.notifications import Event
from incidents.change import Change
from storage import outbox, work
from storage.models import Ring, SlackMessage, TimelineEntry, WorkKind

URGENT = 2  # SEV1 and SEV2 escalate
_WEBHOOK = "webhook"
Presence = Mapping[str, datetime | None]
"""Who is in Do Not Disturb, until when; None or missing: can be rung."""


@dataclass(frozen=True)
class Stage:
    """One step of the escalation: after how long, what happens."""

    name: str
    after: timedelta
    event: Event


def stages(change: Change) -> tuple[Stage, ...]:
    times = change.house.escalation
    if change.incident.severity > URGENT:
        limit = change.house.first_response.get(change.incident.severity, timedelta(hours=4))
        return (Stage("remind", limit, Event.NO_OWNER),)
    found = [
        Stage("remind", times.remind_after, Event.NO_OWNER),
        Stage("second", times.second_after, Event.SECOND),
    ]
    if change.house.page:
        found.append(Stage("page", times.page_after, Event.PAGE))
    return tuple(found)


def timer(change: Change, name: str, due: datetime, *, key: str = "", **payload: Any) -> None:
    """Writes a timer down: once per key, it survives restarts.

    `since` in its payload: it counts from that moment, and goes back with a clock that is set back;
    one without it is an appointment.
    """
    incident = change.incident
    work.enqueue(
        change.session,
        kind=WorkKind.TIMER,
        key=f"{incident.reference}/timer/{name}/{key or due.isoformat()}",
        payload={"timer": name, "incident": incident.id, **payload},
        due=due,
        now=change.now,
        priority=2,
    )


def start(change: Change, *, again: bool = False) -> None:
    """Starts the escalation of an incident that nobody has (at its opening, when it comes back)."""
    since = change.now
    mark = f"{since.timestamp():.0f}" if again else "1"
    change.incident.escalation_mark = mark
    quiet = change.house.quiet
    if change.incident.severity <= URGENT:
        timer(change, "ring_check", since, key=mark, since=since.isoformat())
    elif quiet.holds(change.now):
        timer(change, "morning", quiet.next_end(change.now), key=mark)
    _schedule(change, since, mark)


def goes_on(change: Change, severity: int) -> bool:
    """Whether the escalation that began at that severity has a stage to come."""
    mark = change.incident.escalation_mark
    if severity > URGENT or mark is None:
        return False
    began = change.incident.detected_at
    if mark != "1":
        began = datetime.fromtimestamp(int(mark), change.now.tzinfo)
    return any(began + stage.after > change.now for stage in stages(change))


def _schedule(change: Change, since: datetime, mark: str) -> None:
    """The next stage that has not been reached; in the night of a SEV3 or SEV4, the morning."""
    for stage in stages(change):
        due = since + stage.after
        if due <= change.now:
            continue
        if change.incident.severity > URGENT and change.house.quiet.holds(due):
            due = change.house.quiet.next_end(due)
        key = f"{mark}/{stage.name}"
        rest = {"since": since.isoformat(), "mark": mark, "stage": stage.name}
        timer(change, "no_owner", due, key=key, **rest)
        return


def got_worse(change: Change, entry: TimelineEntry, before: int | None) -> bool:
    """Says so. `before`: the severity that it had, where it rose. Then, and if nobody has it, who
    must act is rung at once, unless they did it themselves. Whether that is so.

    An escalation that runs goes on: begun anew, its page would come later.
    """
    alone = before is not None and change.incident.nobody_has_it
    notifications.announce(change, Event.GOT_WORSE, entry, people=first(change) if alone else ())
    if alone and before is not None and not goes_on(change, before):
        start(change, again=True)
    return alone


def first(change: Change) -> tuple[str, ...]:
    """The first in line who does not act just now."""
    return tuple(one for one in chain(change) if one != change.actor.user_id)[:1]


def chain(change: Change) -> tuple[str, ...]:
    return oncall.who(change.house, change.kind.role, change.now)


def wanted_presence(change: Change) -> tuple[str, ...]:
    """Whose Do Not Disturb must be looked at before a ring."""
    return chain(change)[:2] if change.incident.nobody_has_it else ()


def say_nobody(change: Change, why: str = "nobody") -> None:
    """There is nobody to ring: said on the card and in the thread; of a SEV1 or 2 in the channel.

    `why`: "nobody" has the role, or all are in Do Not Disturb ("dnd"). Once, until that changes.
    """
    last = timeline.last_of(change.session, change.incident.id, "nobody_to_ring", "role_filled")
    if last is not None and last.kind == "nobody_to_ring" and last.data.get("why") == why:
        return
    entry = change.entry("nobody_to_ring", {"role": change.kind.role, "why": why})
    change.audit("nobody_to_ring", change.kind.role, data={"why": why})
    notifications.announce(change, Event.NOBODY, entry)
    change.show()


def channel_of(change: Change) -> str | None:
    """The channel in which its card stands, or is about to."""
    standing = change.session.scalar(
        select(SlackMessage.channel).where(
            SlackMessage.key == f"{change.incident.reference}/card", SlackMessage.gone_at.is_(None)
        )
    )
    audience = change.house.audience(change.incident.audience)
    return standing or (audience.channel if audience is not None else None)


def ring_absent(change: Change, present: Collection[str] | None) -> None:
    """Who was asked by the mention of a group and is not in the channel; unless it is taken."""
    if change.incident.nobody_has_it:
        role = change.house.asked(change.kind.role)
        notifications.ring_absent(change, role, present, channel_of(change))


def ring_check(change: Change, payload: Mapping[str, Any], presence: Presence) -> None:
    """Who cannot be rung is passed over at once, and the card says so.

    So late that a stage is due as well, after downtime, the ringing is left to that.
    """
    if not change.incident.nobody_has_it:
        return
    line = chain(change)
    if not line or not presence.get(line[0]):
        return
    resting = [person for person in line if presence.get(person)]
    instead = next((person for person in line if not presence.get(person)), None)
    for person in resting:
        if instead is not None and line.index(person) > line.index(instead):
            continue
        if _passed_over_before(change, person):
            continue
        until = presence[person]
        notifications.ring(change, Event.NO_OWNER, "mention", person, outcome="passed_over")
        change.entry(
            "passed_over",
            {"who": person, "until": scopes.iso(until), "instead": instead},
        )
        change.audit("passed_over", person, data={"until": scopes.iso(until), "instead": instead})
    if instead is not None and not _reached(change, payload):
        params = {"why": "dnd", "who": line[0], "until": scopes.iso(presence.get(line[0]))}
        notifications.announce(
            change, Event.SECOND, people=(instead,), params=params, mark=f"dnd-{change.now:%H%M}"
        )
    change.show()


def _passed_over_before(change: Change, person: str) -> bool:
    return (
        change.session.scalar(
            select(Ring.id).where(
                Ring.incident_id == change.incident.id,
                Ring.target == person,
                Ring.outcome == "passed_over",
            )
        )
        is not None
    )


def no_owner(change: Change, payload: Mapping[str, Any], presence: Presence) -> None:
    """What is due by now: one stage; after downtime all that were missed, each person once."""
    if not change.incident.nobody_has_it:
        return
    since = datetime.fromisoformat(str(payload["since"]))
    mark = str(payload["mark"])
    if mark != (change.incident.escalation_mark or mark):
        return  # a newer one runs: nobody is rung by both
    due = {_target(change, stage, presence): stage for stage in _missed(change, payload)}
    for target, stage in due.items():  # of two stages that ring the same, the later one's words
        if target == _WEBHOOK:
            page(change, mark)
        elif target is not None:
            _ring(change, target, stage, since, mark, presence)
        elif change.incident.severity <= URGENT:
            say_nobody(change, "dnd" if chain(change) else "nobody")
    _schedule(change, since, mark)


def _reached(change: Change, payload: Mapping[str, Any]) -> list[Stage]:
    """The stages whose time has come."""
    since = payload.get("since")
    begun = change.now if since is None else datetime.fromisoformat(str(since))
    return [stage for stage in stages(change) if begun + stage.after <= change.now]


def _missed(change: Change, payload: Mapping[str, Any]) -> list[Stage]:
    """Those from the timer's own stage on; the last, where its severity has changed the stages."""
    reached = _reached(change, payload)
    names = [stage.name for stage in reached]
    own = payload.get("stage")
    return reached[names.index(own) :] if own in names else reached[-1:]


def _target(change: Change, stage: Stage, presence: Presence) -> str | None:
    """Who is rung: a person, the page webhook, or nobody."""
    awake = _awake(change, presence)
    if stage.event is Event.PAGE or not awake:  # nobody in line can be rung in Slack
        may_page = change.house.page and change.incident.severity <= URGENT
        return _WEBHOOK if may_page else None
    return awake[min(1, len(awake) - 1)] if stage.event is Event.SECOND else awake[0]


def _awake(change: Change, presence: Presence) -> list[str]:
    return [person for person in chain(change) if not presence.get(person)]


def _ring(
    change: Change, person: str, stage: Stage, since: datetime, mark: str, presence: Presence
) -> None:
    minutes = round((change.now - since).total_seconds() / 60)
    awake = _awake(change, presence)
    following = next((one for one in stages(change) if since + one.after > change.now), None)
    after = awake[1] if stage.event is not Event.SECOND and len(awake) > 1 else None
    params = {
        "minutes": minutes,
        "since": scopes.iso(since),
        "next": after if following is not None and following.event is Event.SECOND else None,
        "next_at": scopes.iso(since + following.after) if following is not None else None,
        "why": "no_owner",
        "who": chain(change)[0],
    }
    notifications.announce(
        change, stage.event, people=(person,), params=params, mark=f"{mark}-{stage.name}"
    )
    change.entry("rung", {"to": person, "why": "no_owner", "minutes": minutes})
    change.audit("ring", person, data={"why": "no_owner", "minutes": minutes})


def morning(change: Change) -> None:
    """What opened in the night and rang nobody: one message a morning to who is on duty."""
    if not change.incident.nobody_has_it:
        return
    person = next(iter(chain(change)), None)
    if person is None:
        return
    sent = outbox.direct(
        change.session,
        key=f"morning/{person}/{change.now:%Y%m%d}",
        template=notifications.TABLE[Event.MORNING].template,
        person=person,
        incident=change.incident,
        params={"event": str(Event.MORNING), "since": scopes.iso(change.incident.detected_at)},
        ring=(person,),
        now=change.now,
    )
    if sent is not None:
        notifications.ring(change, Event.MORNING, "direct", person)


def page(change: Change, mark: str) -> None:
    """The page webhook; the same incident pages once however often it is sent (dedup key)."""
    incident, key = change.incident, f"{change.incident.reference}/page/{mark}"
    if outbox.page(change.session, key=key, incident=incident, now=change.now) is None:
        return  # it went out at an earlier stage, when nobody in line could be rung
    notifications.ring(change, Event.PAGE, "page", _WEBHOOK)
    entry = change.entry("paged", {})
    change.audit("page", incident.reference)
    notifications.announce(change, Event.STATUS, entry)


def paged(change: Change) -> bool:
    return timeline.last_of(change.session, change.incident.id, "paged") is not None


def page_says(change: Change, action: str) -> None:
    """Tells the page service that somebody has it, or that it is over."""
    if paged(change):
        reference = change.incident.reference
        outbox.page(
            change.session,
            key=f"{reference}/page/{action}/{change.incident.version}",
            incident=change.incident,
            action=action,
            now=change.now,
        )
