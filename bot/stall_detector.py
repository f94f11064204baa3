"""Stall detector: notices that the process itself was away, frozen, swapped out, or its machine
suspended.

What came in meanwhile waited in the sockets, unread, for longer than Slack waits: people were told
that it failed, and may have pressed again elsewhere. It is left unacknowledged and is not done.
"""

from __future__ import annotations

import asyncio

import structlog

from storage.work import running_time

log = structlog.get_logger(__name__)

_BEAT = 0.25  # seconds
_AWAY = 2.5  # without a beat: with what storing takes, Slack's 3 s are over
_DRAIN = 0.5  # until what had piled up has been read


class Pulse:
    """Beats on the event loop for as long as it runs."""

    def __init__(self) -> None:
        self._last = running_time()
        self._drained = self._last
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._last = running_time()
        self._beating = asyncio.create_task(self._beat(), name="pulse")

    def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()

    def was_away(self) -> bool:
        """Whether what comes in now may have waited for too long."""
        now = running_time()
        if now - self._last > _AWAY:
            log.warning("was_away", seconds=round(now - self._last, 1))
            self._drained = now + _DRAIN
            self._last = now
        return now < self._drained

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            self.was_away()
            self._last = running_time()
