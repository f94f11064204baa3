"""Message store: where messages stand in Slack, as the database knows it (slack_messages)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, literal, or_, select, update
from sqlalchemy.orm import Session

from bot.delivery.job import Job
from storage import work
from storage.models import Incident, SlackMessage, WorkItem, WorkState
from storage.work.common import PARKED, PENDING, UNFINISHED

_ROW = select(SlackMessage).where(SlackMessage.key == bindparam("message"))
_SHOWS = (
    update(SlackMessage)
    .where(SlackMessage.key == bindparam("message"))
    .values(content_hash=bindparam("shows"))
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True)
class Standing:
    """A message as it stands: `ts` None while it is not posted, or no more."""

    channel: str | None
    ts: str | None
    thread_ts: str | None
    language: str | None
    content_hash: str | None
    delivery_id: str
    gone: bool
    permalink: str | None = None

    @classmethod
    def of(cls, row: SlackMessage) -> Standing:
        return cls(
            channel=row.channel,
            ts=None if row.gone_at else row.ts,
            thread_ts=row.thread_ts,
            language=row.language,
            content_hash=row.content_hash,
            delivery_id=row.delivery_id,
            gone=row.gone_at is not None,
            permalink=None if row.gone_at else row.permalink,
        )


def row_of(session: Session, key: str) -> SlackMessage | None:
    """The row of a message."""
    return session.scalar(_ROW, {"message": key})


def has_newer(session: Session, job: Job) -> bool:
    """Whether a newer item of the same order key waits behind this one."""
    newer = select(WorkItem.id).where(
        WorkItem.order_key == job.order_key, WorkItem.id > job.id, WorkItem.state.in_(UNFINISHED)
    )
    return session.scalar(newer.limit(1)) is not None


def _post_key(message: str) -> str:
    """Key of the work item that posts a message (storage.outbox)."""
    return f"message:{message}"


def _anew(message: str) -> str:
    """Order key of the posts of a message after it was lost."""
    return f"{message}/anew"


def _posts_of(message: str) -> ColumnElement[bool]:
    """Its first post, and those after it was lost."""
    return or_(WorkItem.key == _post_key(message), WorkItem.order_key == _anew(message))


def _beside(thread: str) -> ColumnElement[bool]:
    """What is ordered beside a thread. A range, not `like`: the index of order keys has it."""
    return and_(WorkItem.order_key > f"{thread}/", WorkItem.order_key < f"{thread}0")


def post_of(session: Session, message: str) -> WorkItem | None:
    """The work item that posted the message first; None when it was cleared away."""
    return session.scalar(select(WorkItem).where(WorkItem.key == _post_key(message)))


def standing(session: Session, key: str) -> Standing | None:
    """Where the message of that key stands; None: never posted."""
    row = row_of(session, key)
    return Standing.of(row) if row is not None else None


@dataclass(frozen=True)
class Coming:
    """A post that is still to come. `undrawn`: it will show whatever is committed by now."""

    due: datetime
    undrawn: bool


def coming(session: Session, message: str) -> Coming | None:
    """The post of the message that is still to come, if there is one."""
    row = session.execute(
        select(
            WorkItem.state,
            WorkItem.due,
            WorkItem.epoch,
            WorkItem.settled_epoch,
        )
        .where(_posts_of(message), WorkItem.state.in_(UNFINISHED))
        .limit(1)
    ).first()
    if row is None:
        return None
    undrawn = row.state == WorkState.PENDING and row.epoch == row.settled_epoch
    return Coming(due=row.due, undrawn=undrawn)


WAITS_FOR_ROOT = "waits for the root of its thread"


def wake_waiting(session: Session, message: str, now: datetime) -> None:
    """The root of a thread stands: what waits for it beside the thread's own order is due."""
    thread = message.removesuffix("/card")
    waiting = session.scalars(
        select(WorkItem).where(
            _beside(thread),
            WorkItem.state.in_(UNFINISHED),
            WorkItem.state == PENDING,
            WorkItem.last_error == WAITS_FOR_ROOT,
        )
    )
    for item in waiting:
        item.due = min(item.due, now)


@dataclass(frozen=True)
class Ahead:
    """A post of the same thread that was committed before, and is not settled."""

    item_id: int
    due: datetime
    claimed: bool


def ahead(session: Session, job: Job) -> Ahead | None:
    """The post beside the thread's order that this one must not overtake."""
    if job.order_key is None:
        return None
    rows = session.execute(
        select(WorkItem.id, WorkItem.due, WorkItem.state).where(
            _beside(job.order_key),
            WorkItem.key == literal("message:") + WorkItem.order_key,
            WorkItem.id < job.id,
            WorkItem.state.in_(UNFINISHED),
        )
    ).all()
    if not rows:
        return None
    row = min(rows, key=lambda found: found.id)
    return Ahead(row.id, row.due, row.state == WorkState.CLAIMED)


def overtaken_by(session: Session, job: Job, thread_ts: str, ts: str) -> list[SlackMessage]:
    """What was committed after this post, but stands before it in the thread; oldest first."""
    rows = session.scalars(
        select(SlackMessage).where(
            SlackMessage.thread_ts == thread_ts,
            SlackMessage.incident_id == job.payload.get("incident"),
            SlackMessage.gone_at.is_(None),
            SlackMessage.delivery_id.not_like("files:%"),  # a file cannot become a text
            SlackMessage.ts < ts,
        )
    ).all()
    posted = {f"message:{row.key}": row for row in rows}
    later = session.execute(
        select(WorkItem.key)
        .where(WorkItem.key.in_(posted), WorkItem.id > job.id)
        .order_by(WorkItem.id)
    )
    return [posted[key] for (key,) in later]


def parked(session: Session, message: str) -> bool:
    """Whether the post of the message waits for an operator."""
    return (
        session.scalar(
            select(WorkItem.id)
            .where(
                _posts_of(message),
                WorkItem.state == PARKED,
            )
            .limit(1)
        )
        is not None
    )


def live(session: Session, incident_id: int | None) -> bool:
    """Whether the incident is still worked on; what belongs to none counts as live."""
    incident = session.get(Incident, incident_id) if incident_id is not None else None
    return incident is None or incident.live


def keep(
    session: Session,
    job: Job,
    now: datetime,
    *,
    delivery_id: str,
    channel: str,
    ts: str | None,
    thread_ts: str | None,
    content_hash: str | None,
    language: str | None,
) -> None:
    """Notes where a message stands, and by the card that the incident was told."""
    row = row_of(session, job.message)
    if row is None:
        row = SlackMessage(key=job.message, delivery_id=delivery_id)
        session.add(row)
    row.incident_id = job.payload.get("incident")
    row.delivery_id = delivery_id
    if row.ts != ts or row.channel != channel:
        row.permalink = None  # it stands elsewhere now
    row.channel = channel
    row.ts = ts
    row.thread_ts = thread_ts
    row.content_hash = content_hash
    row.language = language
    row.posted_at = now
    row.gone_at = None
    if job.payload.get("template") == "card" and thread_ts is None and row.incident_id is not None:
        incident = session.get(Incident, row.incident_id)
        if incident is not None and incident.notified_at is None:
            incident.notified_at = now


def found_at(session: Session, message: str, ts: str, permalink: str) -> None:
    """Keeps where people find a message, if it still stands where it was asked for."""
    row = row_of(session, message)
    if row is not None and row.ts == ts:
        row.permalink = permalink


def changed(session: Session, message: str, content_hash: str | None) -> None:
    """Notes what a message shows now; None: not known, so the next refresh is sent in any case."""
    session.execute(_SHOWS, {"message": message, "shows": content_hash})


def beside(session: Session, root: str, incident_id: int | None) -> list[SlackMessage]:
    """The messages edited in place in a thread (the runbook) that still stand under an old root."""
    current = row_of(session, root)
    rows = session.scalars(
        select(SlackMessage).where(
            SlackMessage.incident_id == incident_id,
            SlackMessage.thread_ts.is_not(None),
            SlackMessage.gone_at.is_(None),
        )
    ).all()
    old = {row.key: row for row in rows if current is None or row.thread_ts != current.ts}
    keys = session.scalars(
        select(WorkItem.order_key).where(
            WorkItem.key.in_([_post_key(key) for key in old]),
            WorkItem.key == literal("message:") + WorkItem.order_key,
        )
    )
    return [old[key] for key in keys if key is not None]


def post_anew(session: Session, message: str, now: datetime, *, because: str, job: Job) -> bool:
    """The message is gone from Slack: notes it and has it posted again from its own references.

    False if nobody knows any more what it was made of (its work item was cleared away).
    """
    original = post_of(session, message)
    if original is None:
        return False
    row = row_of(session, message)
    if row is not None:
        row.gone_at = now
        row.content_hash = None
    if coming(session, message) is None:
        payload: Mapping[str, Any] = {**original.payload, "anew": because}
        work.enqueue(
            session,
            kind="message",
            key=_anew_key(message, job),
            payload=dict(payload),
            due=now,
            now=now,
            order_key=_anew(message),
            priority=min(job.priority, original.priority),
        )
    return True


def stands_anew_because(session: Session, message: str) -> str | None:
    """Why it was posted anew the last time; None: it stands where it was posted first."""
    last = session.scalar(
        select(WorkItem)
        .where(WorkItem.order_key == _anew(message))
        .order_by(WorkItem.id.desc())
        .limit(1)
    )
    return None if last is None else str(last.payload.get("anew"))


def show_below(session: Session, job: Job, content_hash: str, now: datetime) -> None:
    """What a message should be edited to is posted into its thread, once for each change.

    Nothing, where nobody knows any more what it was made of (its work item was cleared away).
    """
    original = post_of(session, job.message)
    if original is None:
        return
    changed(session, job.message, content_hash)
    below = f"{job.message}/below/{job.id}/{job.epoch}"
    work.enqueue(
        session,
        kind="message",
        key=_post_key(below),
        payload={
            **original.payload,
            "thread": original.payload.get("thread") or job.message,
            "ring": [],
            "broadcast": False,
            "message": below,
        },
        due=now,
        now=now,
        order_key=f"{job.message}/below",
        priority=job.priority,
    )


def was_posted_anew(session: Session, message: str, job: Job) -> bool:
    """Whether this job has had the message posted anew before."""
    key = _anew_key(message, job)
    return session.scalar(select(WorkItem.id).where(WorkItem.key == key)) is not None


def _anew_key(message: str, job: Job) -> str:
    return f"{_post_key(message)}/anew/{job.id}"
