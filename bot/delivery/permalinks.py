"""Permalinks: where people find a message in Slack, asked for once and kept beside it.

A person is rung by a direct message that leads to the thread, so the address of a card is asked for
as soon as the card stands, and again by whoever needs it where that has not come about. Nobody is
rung later for want of it: what does not come soon is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.context import Office
from bot.delivery.errors import Remedy, SlackError, SlackRefused
from bot.delivery.job import Delivered, Job, Later, Turn
from incidents.alerting import newer_threads
from storage import work
from storage.models import Incident, SlackMessage

log = structlog.get_logger(__name__)

DO = "permalink"
_CARD_WAIT = timedelta(seconds=0.3)  # until the card stands
_LONGEST_WAIT = timedelta(seconds=5)  # of a direct message, for its card
_ANSWER_WITHIN = 3.0  # seconds, where a direct message waits for the answer
_LATER = frozenset({Remedy.STOP, Remedy.RETRY})


class Permalinks:
    """Delivers `permalink`: asks Slack for the address of a message that stands."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, job: Job) -> Turn:
        """One turn. Raises SlackError for what the ordinary remedies handle."""
        message = await self._office.read(lambda s: message_store.standing(s, job.message))
        if message is None or message.ts is None or message.permalink is not None:
            return Delivered({"dropped": "known, or not standing"})
        try:
            return Delivered({"found": True}, await self._ask(job.message, message, urgent=False))
        except SlackRefused as error:
            if error.remedy in _LATER:
                raise
            log.warning("no_permalink", message=job.message, code=error.code)
            return Delivered({"dropped": error.code})

    async def before(self, job: Job) -> Turn | None:
        """Has the card's address at hand before a direct message is drawn; or the wait for it."""
        office = self._office
        key, card, coming = await office.read(lambda s: _card(s, job))
        if card is not None and card.ts is not None:
            if card.permalink is None:
                await self._learn(key, card)
            return None
        now = office.clock.now()
        young = now < job.created_at + _LONGEST_WAIT
        if coming is not None and young:
            return Later(now + _CARD_WAIT, "waits for the card it leads to", waited=True)
        return None

    async def _learn(self, key: str, card: message_store.Standing) -> None:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                found = await self._ask(key, card, urgent=True)
        except (SlackError, TimeoutError) as error:
            log.info("no_permalink", message=key, error=str(error))
            return
        await self._office.database.write(lambda s: found(s, self._office.clock.now()))

    async def _ask(
        self, key: str, message: message_store.Standing, *, urgent: bool
    ) -> Callable[[Session, datetime], None]:
        args = {"channel": message.channel, "message_ts": message.ts}
        answer = await self._office.sender.call("chat.getPermalink", args, urgent=urgent)
        link, ts = answer.get("permalink"), str(message.ts)

        def keep(session: Session, _: datetime) -> None:
            if isinstance(link, str) and link:
                message_store.found_at(session, key, ts, link)

        return keep


def ask_for(session: Session, job: Job, now: datetime) -> None:
    """Has the address of a message asked for that was just posted."""
    work.enqueue(
        session,
        kind="message",
        key=f"{job.key}/permalink/{job.epoch}",
        payload={"do": DO, "message": job.message},
        due=now,
        now=now,
        priority=3,
    )


def permalink_of(session: Session, reference: str) -> str | None:
    """Where the thread of an incident is found; None while its card does not stand."""
    known = session.scalar(
        select(SlackMessage.permalink).where(
            SlackMessage.key == f"{reference}/card", SlackMessage.gone_at.is_(None)
        )
    )
    return known or newer_threads.link_of(session, reference)


def _card(
    session: Session, job: Job
) -> tuple[str, message_store.Standing | None, message_store.Coming | None]:
    incident = session.get(Incident, int(job.payload["incident"]))
    key = f"{incident.reference}/card" if incident is not None else ""
    card = message_store.standing(session, key)
    return key, card, None if card is not None else message_store.coming(session, key)
