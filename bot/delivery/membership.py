"""Membership: who is in a channel, as Slack says, asked at most twice a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.delivery.errors import SlackError
from bot.delivery.sender import Sender

log = structlog.get_logger(__name__)

_FRESH = timedelta(seconds=30)  # a storm of openings asks once
_PAGE = 200  # members of a channel in one answer, as Slack advises


class Membership:
    """Remembers for a moment what it was told."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._known: dict[str, tuple[datetime, frozenset[str]]] = {}  # by channel

    async def of(self, channel: str) -> frozenset[str] | None:
        """Who is in the channel; None when Slack cannot say."""
        now = self._clock.now()
        asked, known = self._known.get(channel, (now - _FRESH, frozenset()))
        if abs(now - asked) < _FRESH:
            return known
        found: set[str] = set()
        cursor = ""
        try:
            while True:
                args = {"channel": channel, "limit": _PAGE} | ({"cursor": cursor} if cursor else {})
                answer = await self._sender.call("conversations.members", args, urgent=True)
                found.update(str(one) for one in answer.get("members") or ())
                cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    break
        except SlackError as error:
            log.info("members_unknown", channel=channel, error=str(error))
            return None
        self._known[channel] = (now, frozenset(found))
        return frozenset(found)
