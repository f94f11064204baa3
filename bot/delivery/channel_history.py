"""Channel history: after a restore, Slack is read for threads that the record does not know.

By the metadata of our own messages, from the moment on to which the record reaches. A Slack that
cannot be asked is asked again a minute later; nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.delivery.audiences import Audiences
from bot.delivery.errors import SlackError
from bot.delivery.lookup import find_ours
from bot.delivery.sender import Sender
from incidents.alerting import newer_threads
from incidents.alerting.newer_threads import NewerThread, Root
from incidents.organisation import House
from storage.database import Database

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds between two looks whether it is still to be done
_BEFORE = timedelta(minutes=5)  # Slack's clock is not ours
_LINKS = newer_threads.LISTED


class ChannelHistory:
    """Reads it once for each restore."""

    def __init__(
        self, sender: Sender, database: Database, audiences: Audiences, house: House, clock: Clock
    ) -> None:
        self._sender = sender
        self._database = database
        self._audiences = audiences
        self._house = house
        self._clock = clock
        self._one = asyncio.Lock()  # at the start and by the minute, one after the other

    async def look(self) -> None:
        """Whatever is still to be read. Never raises for Slack."""
        async with self._one:
            await self._look()

    async def _look(self) -> None:
        for restoration_id, reaches_to in await self._database.read(newer_threads.wanted):
            try:
                threads = await self._newer(reaches_to)
            except SlackError as error:
                log.warning("newer_threads_not_read", error=str(error))
                return
            now = self._clock.now()

            def take(
                session: Any,
                which: int = restoration_id,
                found: list[NewerThread] = threads,
                at: datetime = now,
            ) -> None:
                newer_threads.take(session, self._house, which, found, at)

            await self._database.write(take)
            log.info("newer_threads", threads=len(threads))

    async def _newer(self, reaches_to: datetime) -> list[NewerThread]:
        roots: list[Root] = []
        for channel in self._audiences.channels:
            found = await find_ours(self._sender, channel=channel, since=reaches_to - _BEFORE)
            roots += [_root(channel, ts, payload) for ts, payload in found.items()]
        threads = await self._database.read(lambda s: newer_threads.unknown(s, roots))
        return [
            replace(one, permalink=await self._permalink(one)) if at < _LINKS else one
            for at, one in enumerate(threads)
        ]

    async def _permalink(self, thread: NewerThread) -> str | None:
        try:
            answer = await self._sender.call(
                "chat.getPermalink", {"channel": thread.channel, "message_ts": thread.ts}
            )
        except SlackError as error:
            log.warning("no_permalink", message=thread.reference, error=str(error))
            return None
        return str(answer.get("permalink") or "") or None


def _root(channel: str, ts: str, payload: Mapping[str, Any]) -> Root:
    message = payload.get("message")
    return Root(channel, ts, str(payload.get("delivery")), str(message) if message else None)
