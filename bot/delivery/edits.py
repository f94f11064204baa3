"""Edits: refreshes, a message that stands is edited to what the database says now.

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

from bot.delivery import message_store
from bot.delivery.content import Content, request_of
from bot.delivery.context import Office
from bot.delivery.errors import MAY_NOT_BE_EDITED, Remedy, SlackRefused
from bot.delivery.job import Delivered, Job, Later, Turn
from bot.delivery.lookup import metadata
from bot.delivery.posts import join
from plan.languages import DEFAULT
from storage import work

log = structlog.get_logger(__name__)

_POST_WAIT = timedelta(seconds=0.3)  # until the post that is on its way stands
_GONE = frozenset({Remedy.POST_ANEW, Remedy.FALLBACK, Remedy.JOIN, Remedy.ROOT_ANEW})


@dataclass(frozen=True)
class _Drawn:
    message: message_store.Standing
    content: Content


class Edits:
    """Delivers `refresh`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn of a refresh. Raises SlackError for what has no better remedy here.

        Slack: chat.update is Tier 3, so under load most refreshes have to wait. What changes
        nothing shall not wait and takes nobody's place, so it is drawn once to find out; until its
        place has come it is drawn no more, however often it is asked for.
        """
        self._office.sender.keep_place("chat.update", waiter=job.message, urgent=job.urgent)
        seen = await self._office.read(lambda s: self._look(s, job))
        if not isinstance(seen, _Drawn):
            return self._not_standing(seen)
        message, content = seen.message, seen.content
        sure = not job.ambiguous and not job.payload.get("force")
        if sure and content.content_hash == message.content_hash:
            return Delivered({"unchanged": True})
        try:
            shown = await self._update(job, message, content)
        except SlackRefused as error:
            if error.remedy not in _GONE:
                raise
            if content.hides and error.code in MAY_NOT_BE_EDITED:
                return await self._delete(message, error)
            return await self._gone(job, error, content)
        return self._shown(job, shown)

    def _look(self, session: Session, job: Job) -> _Drawn | message_store.Coming | None:
        """The message with what it is to show; where it does not stand, its post."""
        message = message_store.standing(session, job.message)
        if message is None or message.ts is None or message.channel is None:
            return message_store.coming(session, job.message)
        language = job.payload.get("language") or message.language or DEFAULT
        return _Drawn(message, self._office.drawn(session, request_of(job, language)))

    def _not_standing(self, coming: message_store.Coming | None) -> Turn:
        if coming is None:
            return Delivered({"dropped": "not posted"})
        if coming.undrawn:
            return Delivered({"dropped": "its post will show it"})
        due = max(coming.due, self._office.clock.now()) + _POST_WAIT
        return Later(due, "waits for its post", waited=True)

    async def _update(self, job: Job, message: message_store.Standing, content: Content) -> Content:
        joined = False
        while True:
            args: dict[str, Any] = {
                "channel": message.channel,
                "ts": message.ts,
                "text": content.text,
                "blocks": [dict(block) for block in content.blocks],
                "metadata": metadata(
                    message.delivery_id, {**content.metadata, "message": job.message}
                ),
            }
            try:
                await self._office.sender.call(
                    "chat.update", args, urgent=job.urgent, waiter=job.message
                )
                return content
            except SlackRefused as error:
                if error.remedy is Remedy.JOIN and not joined:
                    await join(self._office, str(message.channel), urgent=job.urgent)
                    joined = True
                elif error.remedy is Remedy.PLAIN and not content.plain:
                    content = self._office.plainly(job, content, error)
                else:
                    raise

    async def _gone(self, job: Job, error: SlackRefused, content: Content) -> Turn:
        """Somebody deleted it, or its channel is gone: post it anew while the incident lives.

        Where the workspace lets no message be edited, one that was posted anew for that is not
        posted a third time: its changes go into the thread.
        """
        if not await self._office.read(
            lambda s: message_store.live(s, job.payload.get("incident"))
        ):
            return Delivered({"dropped": error.code})
        if error.code in MAY_NOT_BE_EDITED and await self._posted_for_that(job):
            log.warning("message_not_editable", message=job.message, code=error.code)
            shown = content.content_hash
            return Delivered(
                {"below": error.code},
                lambda session, now: message_store.show_below(session, job, shown, now),
            )

        def also(session: Session, now: datetime) -> None:
            message_store.post_anew(session, job.message, now, because=error.code, job=job)

        log.warning("message_gone", message=job.message, code=error.code)
        return Delivered({"anew": error.code}, also)

    async def _delete(self, message: message_store.Standing, error: SlackRefused) -> Turn:
        """What must not stand there goes, where it cannot be replaced."""
        args = {"channel": message.channel, "ts": message.ts}
        await self._office.sender.call("chat.delete", args)
        return Delivered({"deleted": error.code})

    async def _posted_for_that(self, job: Job) -> bool:
        because = await self._office.read(
            lambda s: message_store.stands_anew_because(s, job.message)
        )
        return because in MAY_NOT_BE_EDITED

    def _shown(self, job: Job, content: Content) -> Turn:
        again = self._office.timing.twin_look

        def also(session: Session, now: datetime) -> None:
            message_store.changed(session, job.message, content.content_hash)
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
