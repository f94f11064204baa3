"""A backlog of a hundred thousand messages in a real database, as an outage of Slack leaves it."""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from bot.cli.stack import Stack
from storage import outbox, work
from storage.database import Database
from storage.models import Incident, SlackMessage, TimelineEntry, WorkItem, WorkKind
from storage.work.common import UNFINISHED

_GROUP = 5_000  # rows of one transaction
_CLAIM = 16  # messages that the bot works on side by side


class _NotKept(Exception):
    """Rolls a measured claim back."""


def open_beside(running: Stack, url: str) -> Database:
    """The bot's database, opened with its key."""
    return Database.open(url, key=base64.b64decode(running.environment["MUSTER_KEY"]))


def unsent(session: Session) -> int:
    """Messages that do not stand in Slack yet."""
    counted = select(func.count()).where(
        WorkItem.kind == WorkKind.MESSAGE, WorkItem.state.in_(UNFINISHED)
    )
    return int(session.scalar(counted) or 0)


def fill(database: Database, total: int) -> int:
    """Notes in every thread and a refresh of every standing card, until `total` are unsent.

    Rows are written as the domain writes them: a timeline entry, and the message that names it.
    How many are unsent then.
    """
    database.write_now(_refresh_cards)
    first = database.read_now(_first_lines)
    here = database.read_now(unsent)
    rows = _lines(first, total - here)
    while group := list(islice(rows, _GROUP)):
        database.write_now(lambda s, g=group: _write(s, g))  # type: ignore[misc]
    return database.read_now(unsent)


def _refresh_cards(session: Session) -> None:
    """Every card that stands shows an older state."""
    session.execute(update(SlackMessage).values(content_hash=None))
    standing = set(session.scalars(select(SlackMessage.key).where(SlackMessage.ts.is_not(None))))
    for incident in session.scalars(select(Incident)):
        key = f"{incident.reference}/card"
        if key in standing:
            now = incident.detected_at
            outbox.refresh(session, key=key, template="card", incident=incident, now=now)


Line = tuple[dict[str, Any], dict[str, Any]]  # the timeline entry, and its message


def _first_lines(session: Session) -> list[Line]:
    """Of each incident: its first log line, by whose pattern the others are made."""
    found = []
    for incident in session.scalars(select(Incident)):
        key = f"message:{incident.reference}/log/%"
        item = session.scalars(select(WorkItem).where(WorkItem.key.like(key))).first()
        entry = session.scalars(
            select(TimelineEntry).where(
                TimelineEntry.incident_id == incident.id, TimelineEntry.text.is_not(None)
            )
        ).first()
        last = session.scalar(
            select(func.max(TimelineEntry.sequence)).where(TimelineEntry.incident_id == incident.id)
        )
        assert item is not None
        assert entry is not None
        found.append(({**_columns(entry), "kind": "note", "sequence": last}, _columns(item)))
    return found


def _columns(row: Any) -> dict[str, Any]:
    return {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name != "id"}


def _lines(first: list[Line], count: int) -> Iterator[Line]:
    """In turn one of each thread. The very first of a thread has nothing unfinished before it."""
    for number in range(count):
        entry, item = first[number % len(first)]
        round_ = 1 + number // len(first)
        sequence = entry["sequence"] + round_
        key = f"{item['order_key']}/log/{sequence}"
        payload = item["payload"] | {"message": key, "params": {"entry": sequence}}
        yield (
            entry | {"sequence": sequence},
            item
            | {
                "key": f"message:{key}",
                "payload": payload,
                "state": "pending",
                "behind": round_ > 1 or item["state"] != "done",
                "epoch": 0,
                "settled_epoch": 0,
                "attempts": 0,
                "owner": None,
                "lease_until": None,
                "finished_at": None,
                "result": None,
                "last_error": None,
            },
        )


def _write(session: Session, lines: list[Line]) -> None:
    session.execute(insert(TimelineEntry), [entry for entry, _ in lines])
    session.execute(insert(WorkItem), [item for _, item in lines])


def claim_ms(database: Database, now: Any, *, rounds: int = 30) -> dict[str, float]:
    """A claim as the bot makes it, the search and the taking; medians, and the longest. Undone."""
    searches, takings = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        ids = database.read_now(
            lambda s: work.candidates(s, WorkKind.MESSAGE, now=now, limit=_CLAIM)
        )
        searched = time.perf_counter()

        def take(session: Session, among: list[int] = ids) -> None:
            work.claim(session, WorkKind.MESSAGE, owner="x", now=now, limit=_CLAIM, among=among)
            raise _NotKept

        try:
            database.write_now(take)
        except _NotKept:
            searches.append((searched - began) * 1000)
            takings.append((time.perf_counter() - searched) * 1000)
    return {
        "search": statistics.median(searches),
        "take": statistics.median(takings),
        "worst": max(a + b for a, b in zip(searches, takings, strict=True)),
    }
