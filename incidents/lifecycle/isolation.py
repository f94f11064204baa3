"""Isolation of customer data that stands where it must not (1.2.3, decision 29).

A post of ours is replaced by *moved*, and stands whole in the private channel. A bot may not delete
what a person wrote: its words go to the private channel, and its author is asked to delete it. What
was kept of it in an incident is shown there no more either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import loading, people, timeline
from incidents.authorise import refuse_in_house
from incidents.change import Change, refresh
from incidents.organisation import Actor, Audience, House
from incidents.outcome import Outcome
from incidents.payload_codec import pack
from incidents.rights import Right
from storage import audit, outbox
from storage.models import Incident, IsolatedMessage, SlackMessage, TimelineEntry, WorkItem

WHOLE = "whole"  # in the parameters of a copy: nothing of it is left out
_LASTING = frozenset({"card", "runbook", "desk"})  # brought up to date as long as the incident is
_KEPT = frozenset({"note", "pinned"})
_AT_ONCE = 2500  # characters of a message; what is longer goes on below it


@dataclass(frozen=True)
class Pointed:
    """The message that somebody pointed at."""

    channel: str
    ts: str
    thread_ts: str | None
    author: str | None  # None: an app's
    text: str  # as a person reads it
    files: int = 0
    link: str | None = None

    @property
    def place(self) -> str:
        return f"{self.channel}/{self.ts}"


def isolate(
    session: Session, house: House, pointed: Pointed, actor: Actor, now: datetime
) -> Outcome:
    """Moves it. Every refusal is in the audit log, with what was pointed at."""
    refused = refuse_in_house(session, house, actor, Right.ISOLATE, now)
    if refused is not None:
        return refused
    private = next((one for one in house.audiences.values() if one.private), None)
    ours = _ours(session, pointed)
    what = pointed.place if ours is None else ours.key
    standing = session.get(IsolatedMessage, what)
    if standing is not None:
        by = people.person(session, standing.by)
        return _refused(session, actor, pointed, "isolated_before", now, who=by, at=standing.at)
    if private is None:
        return _refused(session, actor, pointed, "isolate_no_channel", now)
    if pointed.channel.startswith("D"):
        return _refused(session, actor, pointed, "isolate_direct", now)
    if any(one.private and one.channel == pointed.channel for one in house.audiences.values()):
        return _refused(session, actor, pointed, "isolate_private", now)
    post = _post_of(session, ours)
    if ours is not None and (post is None or post.payload["template"] in _LASTING):
        return _refused(session, actor, pointed, "isolate_lasting", now)
    incident = _incident(session, pointed, ours)
    session.add(IsolatedMessage(what=what, by=actor.user_id, at=now))
    _tell(session, pointed, private, actor, now, ours=ours is not None)
    change = None if incident is None else Change(session, house, incident, actor, now)
    if ours is not None and post is not None and change is not None:
        _move_ours(change, pointed, private, ours.key, post)
    else:
        _ask_author(session, pointed, actor, now)
        if change is not None:
            _hide_kept(change, pointed)
    data = {"place": pointed.place, "author": pointed.author, "ours": ours is not None}
    audit.record_house(session, actor, "isolated", what, result="done", data=data, now=now)
    if change is not None:
        change.entry("isolated", {"ours": ours is not None})
        change.audit("isolated", what, data=data)
    asked = None if ours is not None else people.person(session, pointed.author)
    return Outcome.done("isolated", asked=asked, app=ours is None and pointed.author is None)


def isolated(session: Session, key: str) -> dict[str, Any] | None:
    """Who moved the message of that key, and when; None: nobody has."""
    found = session.get(IsolatedMessage, key)
    if found is None:
        return None
    return {"who": people.plain_name(session, found.by), "at": found.at}


def _refused(
    session: Session, actor: Actor, pointed: Pointed, code: str, now: datetime, **params: Any
) -> Outcome:
    data = {"why": code}
    audit.record_house(
        session, actor, "isolate", pointed.place, result="refused", data=data, now=now
    )
    return Outcome(False, code, params, noted=True)


def _ours(session: Session, pointed: Pointed) -> SlackMessage | None:
    return session.scalar(
        select(SlackMessage).where(
            SlackMessage.channel == pointed.channel, SlackMessage.ts == pointed.ts
        )
    )


def _post_of(session: Session, ours: SlackMessage | None) -> WorkItem | None:
    """What posted it: the references out of which it is drawn. None: of no incident."""
    if ours is None or ours.incident_id is None:
        return None
    return session.scalar(select(WorkItem).where(WorkItem.key == f"message:{ours.key}"))


def _incident(session: Session, pointed: Pointed, ours: SlackMessage | None) -> Incident | None:
    """The incident in whose thread it stands, locked."""
    if ours is not None:
        return session.get(Incident, ours.incident_id, with_for_update=True)
    if pointed.thread_ts is None:
        return None
    number = session.scalar(
        select(Incident.number)
        .join(SlackMessage, SlackMessage.incident_id == Incident.id)
        .where(
            SlackMessage.channel == pointed.channel,
            SlackMessage.ts == pointed.thread_ts,
            SlackMessage.key.like("%/card"),
        )
        .limit(1)
    )
    return None if number is None else loading.incident_of(session, number, lock=True)


def _notice(pointed: Pointed) -> str:
    return f"isolated/{pointed.place}"


def _tell(
    session: Session,
    pointed: Pointed,
    private: Audience,
    actor: Actor,
    now: datetime,
    *,
    ours: bool,
) -> None:
    """In the private channel: whose message it was, where it stood, who moved it, and its words."""
    words = [] if ours else list(_parts(pointed.text))
    shared = {
        "ours": ours,
        "author": people.plain_name(session, pointed.author) if pointed.author else None,
        "actor": people.plain_name(session, actor.user_id),
        "at": datetime.fromtimestamp(float(pointed.ts), now.tzinfo),
        "files": pointed.files,
        "link": pointed.link,
    }
    for number, text in enumerate(words or [""]):
        outbox.post(
            session,
            key=_notice(pointed) if number == 0 else f"{_notice(pointed)}/{number}",
            template="isolated",
            incident=None,
            audience=private.key,
            thread_key=None if number == 0 else _notice(pointed),
            params=pack({**shared, "more": number > 0}),
            secret={"text": text},
            now=now,
        )


def _parts(text: str) -> Iterator[str]:
    for at in range(0, len(text), _AT_ONCE):
        yield text[at : at + _AT_ONCE]


def _move_ours(
    change: Change, pointed: Pointed, private: Audience, key: str, post: WorkItem
) -> None:
    """The post stands whole in the private channel, and is *moved* where it stood."""
    payload = post.payload
    outbox.post(
        change.session,
        key=f"{key}/isolated",
        template=payload["template"],
        incident=change.incident,
        audience=private.key,
        thread_key=_notice(pointed),
        params={**payload["params"], WHOLE: True},
        now=change.now,
    )
    number = payload["params"].get("entry")
    entry = None
    if number is not None:
        entry = timeline.entry_of(change.session, change.incident.id, int(number))
    if entry is not None:
        entry.data = {**entry.data, "isolated": True}
    refresh(
        change.session, change.incident, key, payload["template"], change.now, payload["params"]
    )


def _ask_author(session: Session, pointed: Pointed, actor: Actor, now: datetime) -> None:
    """Who wrote it is asked to delete it: nobody else can."""
    if pointed.author is None:
        return
    outbox.direct(
        session,
        key=f"{_notice(pointed)}/ask",
        template="isolated_ask",
        person=pointed.author,
        incident=None,
        params=pack(
            {
                "actor": people.plain_name(session, actor.user_id),
                "own": pointed.author == actor.user_id,
                "at": datetime.fromtimestamp(float(pointed.ts), now.tzinfo),
                "files": pointed.files,
                "link": pointed.link,
            }
        ),
        ring=(pointed.author,),
        now=now,
    )


def _hide_kept(change: Change, pointed: Pointed) -> None:
    """What was kept of it in the incident: a note with its words is drawn without them."""
    for entry in timeline.entries(change.session, change.incident.id):
        of_it = entry.data.get("source") == f"{pointed.channel}/{pointed.ts}"
        if entry.kind in _KEPT and (of_it or _says(entry, pointed.text)):
            entry.data = {**entry.data, "isolated": True}
            key = f"{change.incident.reference}/log/{entry.sequence}"
            if change.session.get(IsolatedMessage, key) is None:
                change.session.add(
                    IsolatedMessage(what=key, by=change.actor.user_id, at=change.now)
                )
            refresh(
                change.session,
                change.incident,
                key,
                "log",
                change.now,
                {"entry": entry.sequence},
            )


def _says(entry: TimelineEntry, text: str) -> bool:
    return entry.text is not None and bool(text) and entry.text.reveal() == text.strip()[:3000]
