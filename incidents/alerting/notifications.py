"""Notifications: what rings whom, the one table, and the one place that turns a row of it into
messages.

Posts ring, so they carry decisions; edits are silent, so they carry state. Whoever is mentioned in
a thread follows it, and every later reply rings them: so a group alone is mentioned, in the first
post alone, and a person is rung by a direct message that leads to the thread. At night a SEV3 or
SEV4 rings nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import select

from incidents.alerting import oncall
from incidents.change import Change
from incidents.organisation import Role
from storage import outbox
from storage.models import Ring, TimelineEntry


class Event(StrEnum):
    OPENED = "opened"
    NO_OWNER = "no_owner"  # nobody has it: the person on duty, again
    SECOND = "second"  # … then the next in line
    PAGE = "page"  # … then the page webhook
    ESCALATED = "escalated"  # somebody asked for the next in line
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    GOT_WORSE = "got_worse"
    RELAPSE = "relapse"  # what had been mended fails again
    YOUR_TURN = "your_turn"  # a question, an answer that is due
    APPROVAL = "approval"
    DECIDED = "decided"  # what was asked for was approved, refused, or nobody decided
    HANDED_OVER = "handed_over"
    TOLD = "told"  # the departments hear of it: what customers feel, who has it
    UNKNOWN = "unknown"  # an outcome that is unknown for more than a minute
    REMINDER = "reminder"  # a follow-up or a complaint that stands still
    MORNING = "morning"  # what opened in the night and rang nobody
    NOT_DELIVERED = "not_delivered"  # a message of it was set aside: on-call sees to it
    NOBODY = "nobody"  # somebody should be rung, and there is nobody
    STATUS = "status"  # the shop, a customer or the status changed: a log line
    STATE = "state"  # everything else


Who = Literal[
    "role", "duty", "second", "owner", "must_act", "rung_before", "person", "page", "nobody"
]
Where = Literal["channel", "thread", "direct", "webhook"]


@dataclass(frozen=True)
class Row:
    """One event: post or edit, where, who is rung, with which template, and what at night.

    "channel": a new message there, which mentions the role's group; "direct": a direct message.
    """

    how: Literal["post", "edit"]
    where: tuple[Where, ...]
    who: Who
    template: str  # of the direct message; in the thread it is a log line
    broadcast_to: int = 0  # SEV1 … this one are shown in the channel too
    night_to: int = 2  # SEV1 … this one ring at night as well


TABLE: Mapping[Event, Row] = {
    Event.OPENED: Row("post", ("channel", "direct"), "role", "opened"),
    Event.NO_OWNER: Row("post", ("direct",), "duty", "remind"),
    Event.SECOND: Row("post", ("direct",), "second", "escalation"),
    Event.PAGE: Row("post", ("webhook",), "page", "page"),
    Event.ESCALATED: Row("post", ("thread", "direct"), "second", "escalation", night_to=4),
    Event.MITIGATED: Row("post", ("thread", "direct"), "rung_before", "mitigated", broadcast_to=2),
    Event.RESOLVED: Row("post", ("thread", "direct"), "rung_before", "resolved", broadcast_to=2),
    Event.GOT_WORSE: Row("post", ("thread", "direct"), "owner", "worse", broadcast_to=4),
    Event.RELAPSE: Row("post", ("direct",), "must_act", "relapse"),
    Event.YOUR_TURN: Row("post", ("thread", "direct"), "owner", "your_turn"),
    Event.APPROVAL: Row("post", ("thread", "direct"), "person", "approval", night_to=4),
    Event.DECIDED: Row("post", ("thread", "direct"), "person", "approval_decided", night_to=4),
    Event.HANDED_OVER: Row("post", ("thread", "direct"), "person", "handed_over", night_to=4),
    Event.TOLD: Row("post", ("direct",), "person", "told", night_to=4),
    Event.UNKNOWN: Row("post", ("thread", "direct"), "owner", "unknown"),
    Event.REMINDER: Row("post", ("direct",), "person", "your_turn"),
    Event.MORNING: Row("post", ("direct",), "person", "your_turn", night_to=0),
    Event.NOT_DELIVERED: Row("post", ("direct",), "person", "not_delivered"),
    Event.NOBODY: Row("post", ("thread",), "nobody", "log", broadcast_to=2),
    Event.STATUS: Row("post", ("thread",), "nobody", "log"),
    Event.STATE: Row("edit", (), "nobody", "card"),
}
RELAPSE_AGAIN = timedelta(minutes=10)  # one that comes sooner after the last ring rings no more


def may_ring(change: Change, event: Event) -> bool:
    """Whether the event rings at this hour."""
    night = change.house.quiet.holds(change.now)
    return not night or change.incident.severity <= TABLE[event].night_to


def announce(
    change: Change,
    event: Event,
    entry: TimelineEntry | None = None,
    *,
    people: Iterable[str] = (),
    params: Mapping[str, Any] | None = None,
    mark: str = "",
) -> tuple[str, ...]:
    """Posts what the table says of the event; who was rung by it.

    `entry` is the log line; `people` are those rung where the table names neither the owner nor
    who must act, or where there is no owner; `params` go to the direct message; `mark` keeps those
    of one event apart.
    """
    row = TABLE[event]
    if row.how == "edit":
        change.show()
        return ()
    if "thread" in row.where and entry is not None:
        _line(change, row, entry)
    if "direct" not in row.where or not may_ring(change, event):
        return ()
    rung = tuple(dict.fromkeys(_wanted(change, row, people)))
    for person in rung:
        _direct(change, event, person, entry, params or {}, mark)
    return rung


def _wanted(change: Change, row: Row, people: Iterable[str]) -> tuple[str, ...]:
    """Whom a direct message goes to."""
    if row.who == "rung_before":
        return rung_before(change)
    if row.who == "owner":
        if change.incident.owner is None:
            return tuple(people)
        owner = _acting_owner(change)
        return (owner,) if owner else ()
    if row.who == "must_act":
        return tuple(people) or who_must_act(change)
    return tuple(people)


def _acting_owner(change: Change) -> str | None:
    """The owner where they must act; not for what they have just done themselves."""
    owner = change.incident.owner
    return owner if owner and owner != change.actor.user_id else None


def who_must_act(change: Change) -> tuple[str, ...]:
    """Its owner, else the first in line for it."""
    if change.incident.owner is not None:
        return (change.incident.owner,)
    return oncall.who(change.house, change.kind.role, change.now)[:1]


def ring_relapse(
    change: Change,
    *,
    times: int,
    since: datetime,
    entry: TimelineEntry | None = None,
    people: Iterable[str] = (),
) -> tuple[str, ...]:
    """What had been mended fails again: who must act is rung directly, once in ten minutes.

    `times`: how often it has failed since `since`, this time included. `people`: who is rung
    instead of somebody who rests. Who was rung.
    """
    last = last_relapse_ring(change)
    if last is not None and abs(change.now - last) < RELAPSE_AGAIN:
        return ()
    params = {"times": times, "since": since.isoformat()}
    mark = f"{change.now.timestamp():.0f}"
    return announce(change, Event.RELAPSE, entry, people=people, params=params, mark=mark)


def last_relapse_ring(change: Change) -> datetime | None:
    """When somebody was last rung because it was back."""
    return change.session.scalar(
        select(Ring.at)
        .where(Ring.incident_id == change.incident.id, Ring.event == str(Event.RELAPSE))
        .order_by(Ring.id.desc())
        .limit(1)
    )


def ring_role(change: Change, role: Role) -> tuple[str, ...]:
    """The opening: those whom the mention of the group does not reach; the group itself.

    The group is mentioned by the card. Whoever of it is not in the channel is known only by
    asking Slack, which `ring_absent` is told. What the card's post rings.
    """
    if not may_ring(change, Event.OPENED):
        return ()
    if role.group is not None:
        ring(change, Event.OPENED, "mention", role.group)
    _ring_opened(change, role.beside_group)
    return (role.group,) if role.group is not None else ()


def ring_absent(
    change: Change, role: Role, present: Collection[str] | None, channel: str | None
) -> None:
    """Those of the mentioned group who are not in the channel are rung directly, and are told so:
    the thread that the message leads to may be one that they cannot open.

    `present`: who is in it, as Slack says; None: it could not say, and a ring too many is better
    than one too few.
    """
    seen = frozenset(present or ())
    absent = channel if present is not None else None
    people = tuple(person for person in role.by_group if person not in seen)
    _ring_opened(change, people, absent_from=absent)


def _ring_opened(
    change: Change, people: tuple[str, ...], *, absent_from: str | None = None
) -> None:
    """Directly, but not who declared it."""
    told = [person for person in people if person != change.incident.created_by]
    params = {"absent_from": absent_from}
    announce(change, Event.OPENED, people=told, params=params, mark="1")


def _line(change: Change, row: Row, entry: TimelineEntry) -> None:
    """Posts a log line in the thread. It mentions nobody."""
    broadcast = change.incident.severity <= row.broadcast_to
    entry.data = {**entry.data, "posted": True, "broadcast": broadcast}
    outbox.post(
        change.session,
        key=log_key(change, entry),
        template="log",
        incident=change.incident,
        audience=change.incident.audience,
        thread_key=f"{change.incident.reference}/card",
        params={"entry": entry.sequence},
        broadcast=broadcast,
        now=change.now,
    )


def log_key(change: Change, entry: TimelineEntry) -> str:
    return f"{change.incident.reference}/log/{entry.sequence}"


def _direct(
    change: Change,
    event: Event,
    person: str,
    entry: TimelineEntry | None,
    params: Mapping[str, Any],
    mark: str,
) -> None:
    number = mark or (str(entry.sequence) if entry is not None else "1")
    outbox.direct(
        change.session,
        key=direct_key(change, person, event, number),
        template=TABLE[event].template,
        person=person,
        incident=change.incident,
        params={**params, "event": str(event), "entry": entry.sequence if entry else None},
        ring=(person,),
        now=change.now,
    )
    ring(change, event, "direct", person)


def direct_key(change: Change, person: str, event: Event, mark: str) -> str:
    return f"{change.incident.reference}/dm/{person}/{event}/{mark}"


def ring(change: Change, event: Event, via: str, target: str, *, outcome: str = "sent") -> None:
    """Notes that somebody was rung, or was passed over."""
    change.session.add(
        Ring(
            incident_id=change.incident.id,
            at=change.now,
            event=str(event),
            via=via,
            target=target,
            outcome=outcome,
        )
    )


def rung_before(change: Change) -> tuple[str, ...]:
    """Everybody who was rung for it and does not know yet: not who acts, not the owner."""
    known = {change.actor.user_id, change.incident.owner}
    found: list[str] = []
    members = {
        role.group: role.by_group for role in change.house.roles.values() if role.group is not None
    }
    for target in change.session.scalars(
        select(Ring.target)
        .where(
            Ring.incident_id == change.incident.id,
            Ring.via.in_(("mention", "direct")),
            Ring.outcome == "sent",
        )
        .order_by(Ring.id)
    ):
        found.extend(members.get(target, (target,)))
    return tuple(person for person in dict.fromkeys(found) if person not in known)
