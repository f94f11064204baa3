"""Heartbeat: the ping to a dead-man service outside, while the bot is ready, and only then.

Who is told by nobody that the bot is well hears of it from the service. A ping that fails is
logged and counted; it disturbs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import structlog

from actions.connectors.wire_fault import RAISED, wire_fault
from bot.web.health import Health

log = structlog.get_logger(__name__)

_SECONDS = 10.0  # for one ping


class Heartbeat:
    """One ping; the scheduler calls it again and again."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        url: str,
        health: Health,
        counted: Callable[[str], None],
        head: Callable[[], Awaitable[object]],
    ) -> None:
        """`counted` hears of each ping: sent, failed or withheld. `head`: of the audit log, which
        each ping takes out of the house."""
        self._head = head
        self._http = http
        self._url = url
        self._health = health
        self._counted = counted

    async def ping(self) -> None:
        """Sends it, or withholds it from a bot that is not ready."""
        report = await self._health.ready()
        if not report.ok:
            log.warning("heartbeat_withheld", failing=report.failing)
            self._counted("withheld")
            return
        # The address is as good as a password to the service: the log names its host alone.
        host = httpx.URL(self._url).host
        try:
            headers = {"X-Muster-Audit": str(await self._head() or "none")}
            async with asyncio.timeout(_SECONDS):
                answer = await self._http.get(
                    self._url, headers=headers, timeout=_SECONDS, follow_redirects=False
                )
        except RAISED as error:
            log.warning("heartbeat_failed", host=host, error=wire_fault(error).code)
            self._counted("failed")
            return
        if answer.is_success:
            self._counted("sent")
            return
        log.warning("heartbeat_failed", host=host, status=answer.status_code)
        self._counted("failed")
