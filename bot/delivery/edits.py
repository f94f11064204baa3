"""Refreshes: a message that stands is edited to what the database says now.

An edit is idempotent, so an unclear one is simply repeated; since the first one may land late and
show an old state again, it is sent once more a minute later. An edit that changes nothing is not
sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery import records
from bot.delivery.content import Content, request_of
from bot.delivery.errors import Remedy, SlackRefused
from bot.delivery.job import Delivered, Job, Later, Turn
from bot.delivery.lookup import metadata
from bot.delivery.office import Office
from bot.delivery.posts import join
from storage import work

log = structlog.get_logger(__name__)

_POST_WAIT = timedelta(seconds=0.3)  # until the post that is on its way stands
_GONE = frozenset({Remedy.POST_ANEW, Remedy.FALLBACK, Remedy.JOIN, Remedy.ROOT_ANEW})


@dataclass(frozen=True)
class _Stand:
    message: records.Standing | None
    coming: records.Coming | None
    live: bool


class Edits:
    """Delivers `refresh`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn of a refresh. Raises SlackError for what has no better remedy here."""
        stand = await self._office.read(lambda s: _stand(s, job))
        message = stand.message
        if message is None or message.ts is None or message.channel is None:
            if stand.coming is None:
                return Delivered({"dropped": "not posted"})
            if stand.coming.undrawn:
                return Delivered({"dropped": "its post will show it"})
            due = max(stand.coming.due, self._office.clock.now()) + _POST_WAIT
            return Later(due, "waits for its post")
        language = job.payload.get("language") or message.language or "en"
        content = await self._office.draw(request_of(job, language))
        sure = not job.ambiguous and not job.payload.get("force")
        if sure and content.content_hash == message.content_hash:
            return Delivered({"unchanged": True})
        try:
            shown = await self._update(job, message, content)
        except SlackRefused as error:
            if error.remedy not in _GONE:
                raise
            return self._gone(job, stand, error)
        return self._shown(job, shown)

    async def _update(self, job: Job, message: records.Standing, content: Content) -> Content:
        joined = False
        while True:
            args: dict[str, Any] = {
                "channel": message.channel,
                "ts": message.ts,
                "text": content.text,
                "blocks": [dict(block) for block in content.blocks],
                "metadata": metadata(message.delivery_id, content.metadata),
            }
            try:
                await self._office.sender.call("chat.update", args, urgent=job.urgent)
                return content
            except SlackRefused as error:
                if error.remedy is Remedy.JOIN and not joined:
                    await join(self._office, str(message.channel), urgent=job.urgent)
                    joined = True
                elif error.remedy is Remedy.PLAIN and not content.plain:
                    content = self._office.plainly(job, content, error)
                else:
                    raise

    def _gone(self, job: Job, stand: _Stand, error: SlackRefused) -> Turn:
        """Somebody deleted it, or its channel is gone: post it anew while the incident lives."""
        if not stand.live:
            return Delivered({"dropped": error.code})

        def also(session: Session, now: datetime) -> None:
            records.post_anew(session, job.message, now, because=error.code, job=job)

        log.warning("message_gone", message=job.message, code=error.code)
        return Delivered({"anew": error.code}, also)

    def _shown(self, job: Job, content: Content) -> Turn:
        again = self._office.timing.twin_look

        def also(session: Session, now: datetime) -> None:
            records.changed(session, job.message, content.content_hash)
            if job.ambiguous:
                work.enqueue(
                    session,
                    kind="message",
                    key=f"{job.key}/again/{job.epoch}",
                    payload={**job.payload, "force": True},
                    due=now + again,
                    now=now,
                    order_key=f"{job.message}/again",
                    priority=8,
                )

        return Delivered({"edited": True}, also)


def _stand(session: Session, job: Job) -> _Stand:
    return _Stand(
        message=records.standing(session, job.message),
        coming=records.coming(session, job.message),
        live=records.live(session, job.payload.get("incident")),
    )
