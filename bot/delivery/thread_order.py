"""Order within a thread, though not everything in it waits for everything else.

Log lines follow one another, each after Slack's answer to the one before. The runbook message is
posted beside them: the line after it starts as soon as the runbook's request has been on its way
for a moment, so a whole new thread stands after little more than two round trips. If the runbook
then fails and comes late, the messages that overtook it change places with it by edits, which
nobody hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.job import Job
from storage import work
from storage.models import SlackMessage, WorkItem

log = structlog.get_logger(__name__)

_KEPT = 500
STAGGER = 0.1  # seconds a request is on its way before the next one of its thread starts


@dataclass
class _Flight:
    started: asyncio.Event = field(default_factory=asyncio.Event)
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    well: bool = False


class InFlight:
    """The posts that this process sends, and those that it sent just now."""

    def __init__(self, stagger: float = STAGGER) -> None:
        self._stagger = stagger
        self._flights: dict[int, _Flight] = {}

    @contextmanager
    def turn(self, job: Job) -> Iterator[None]:
        """For the length of a post's turn."""
        self._flights.pop(job.id, None)
        flight = self._flights[job.id] = _Flight()
        try:
            yield
        finally:
            flight.started.set()
            flight.landed.set()
            # Kept for a while: it is answered before the database says so.
            while len(self._flights) > _KEPT:
                self._flights.pop(next(iter(self._flights)))

    @contextmanager
    def request(self, job: Job) -> Iterator[None]:
        """For the length of its request to Slack."""
        flight = self._flights.setdefault(job.id, _Flight())
        flight.started.set()
        yield
        flight.well = True
        flight.landed.set()

    async def may_follow(self, item_id: int) -> bool:
        """Waits until what is ahead was answered, or is on its way long enough. False: neither."""
        flight = self._flights.get(item_id)
        if flight is None:
            return False
        await flight.started.wait()
        try:
            async with asyncio.timeout(self._stagger):
                await flight.landed.wait()
        except TimeoutError:
            return True
        return flight.well


def put_in_order(session: Session, job: Job, thread_ts: str, ts: str, now: datetime) -> None:
    """A post that came late and those that overtook it change places.

    Each keeps its row and delivery id and takes another `ts`; the edits that show it are enqueued.
    """
    overtakers = message_store.overtaken_by(session, job, thread_ts, ts)
    late = message_store.row_of(session, job.message)
    if not overtakers or late is None:
        return
    rows = [late, *overtakers]
    places = sorted(str(row.ts) for row in rows)
    log.info("thread_put_in_order", message=job.message, overtaken_by=len(overtakers))
    for row, place in zip(rows, places, strict=True):
        row.ts, row.content_hash = place, None
        _show(session, row, now)


def _show(session: Session, row: SlackMessage, now: datetime) -> None:
    original: WorkItem | None = message_store.post_of(session, row.key)
    if original is None:
        return
    names = ("template", "incident", "params", "language", "audience")
    payload = {name: original.payload.get(name) for name in names}
    work.refresh(
        session,
        kind="message",
        key=f"refresh:{row.key}",
        payload={**payload, "do": "refresh", "message": row.key},
        due=now,
        now=now,
        order_key=row.key,
        priority=4,
    )
