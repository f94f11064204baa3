"""Twins: the later look for a post that landed after it was given up and repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.context import Office
from bot.delivery.errors import Remedy, SlackRefused
from bot.delivery.job import Delivered, Job, Later, Turn
from bot.delivery.lookup import find_files, find_message
from storage import work

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Target:
    """One place where the message may go."""

    channel: str
    language: str
    thread_ts: str | None = None


class Twins:
    """The later look: a post that landed after it was given up and repeated stands twice."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        payload, sender = job.payload, self._office.sender
        stands, coming = await self._office.read(
            lambda s: (message_store.standing(s, job.message), message_store.coming(s, job.message))
        )
        if payload.get("late") and coming is not None:
            # Another process is about to post it: which of the two stays is known after that.
            due = max(coming.due, self._office.clock.now()) + self._office.timing.settle
            return Later(due, "its post is still under way", waited=True)
        channel = str(payload.get("channel") or (stands.channel if stands else ""))
        if not channel or (payload.get("late") and stands is None):
            return Delivered({"removed": []})
        thread_ts = payload.get("thread_ts")
        if thread_ts is None and stands is not None and payload.get("channel") is None:
            thread_ts = stands.thread_ts
        keep = payload.get("keep")
        since = datetime.fromisoformat(payload["since"]) if payload.get("since") else None
        if payload.get("files"):
            ids = frozenset(payload["files"])
            found = await find_files(sender, ids, channel=channel, thread_ts=thread_ts, since=since)
            if stands is not None and payload.get("late"):
                theirs = not ids & set(stands.delivery_id.partition(":")[2].split(","))
                keep = stands.ts or (found[0] if found and not theirs else None)
        else:
            delivery = str(payload["delivery"])
            if stands is not None and stands.delivery_id == delivery and stands.ts is not None:
                keep = stands.ts  # it may have changed places since
            found = await find_message(
                sender, delivery, channel=channel, thread_ts=thread_ts, since=since
            )
        removed = []
        for ts in found:
            if ts == keep:
                continue
            args = {"channel": channel, "ts": ts}
            try:
                await sender.call("chat.delete", args)
            except SlackRefused as error:
                if error.remedy is not Remedy.POST_ANEW:  # gone already is what is wanted
                    raise
            removed.append(ts)
        if removed:
            log.info("late_twin_deleted", message=job.message, twins=removed)
        return Delivered({"removed": removed})


def look_for_twins(
    session: Session,
    job: Job,
    target: Target,
    mark: Mapping[str, Any],
    *,
    keep: str | None,
    now: datetime,
    due: datetime,
    of: str = "",
) -> None:
    """Enqueues the later look. It runs beside the thread, in nobody's way."""
    work.enqueue(
        session,
        kind="message",
        key=f"{job.key}/twins/{job.epoch}{of and '/' + of}",
        payload={
            "do": "twins",
            "message": job.message,
            "channel": target.channel,
            "thread_ts": target.thread_ts,
            "keep": keep,
            **mark,
        },
        due=due,
        now=now,
        priority=8,
    )
