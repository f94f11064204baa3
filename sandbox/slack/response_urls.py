"""response_urls: five uses in thirty minutes. Source: slack-facts "Time limits"."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sandbox.slack import limits
from sandbox.slack.clock import SandboxClock
from sandbox.slack.errors import Refused


@dataclass
class ResponseUrl:
    """Where an answer goes: to the channel, for the person; `ts` is what it may replace."""

    user: str
    channel: str
    issued: float
    ts: str | None = None
    thread_ts: str | None = None
    ephemeral: bool = False
    uses: int = 0


class ResponseUrls:
    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._urls: dict[str, ResponseUrl] = {}

    def issue(
        self,
        user: str,
        channel: str,
        *,
        ts: str | None = None,
        thread_ts: str | None = None,
        ephemeral: bool = False,
    ) -> str:
        key = secrets.token_urlsafe(18)
        self._urls[key] = ResponseUrl(user, channel, self._clock.now(), ts, thread_ts, ephemeral)
        return key

    def use(self, key: str) -> ResponseUrl:
        """Counts one use. Raises `invalid_url`, `expired_url`, `used_url` (404)."""
        url = self._urls.get(key)
        if url is None:
            raise Refused("invalid_url", status=404)
        if self._clock.now() - url.issued > limits.RESPONSE_URL_SECONDS:
            raise Refused("expired_url", status=404)
        if url.uses >= limits.RESPONSE_URL_USES:
            raise Refused("used_url", status=404)
        url.uses += 1
        return url
