"""Rate limits like Slack's: per method and minute, and per channel for chat.postMessage.

Off until a tester turns them on. Source: slack-facts "Rate limits".
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from sandbox.slack.errors import Refused

TIERS: Final = {1: 1, 2: 20, 3: 50, 4: 100}
MINUTE: Final = 60.0
SPECIAL: Final = {
    "chat.postMessage": 300,  # several hundred a minute for a workspace
    "chat.getPermalink": 600,
    "blocks.validate": 600,
}
CHANNEL_RATE: Final = 1.0  # messages a second to one channel
CHANNEL_BURST: Final = 5


class RateLimits:
    def __init__(self) -> None:
        self.on = False
        self._calls: dict[str, deque[float]] = {}
        self._blocked: dict[str, float] = {}
        self._tokens: dict[str, tuple[float, float]] = {}

    def check(self, method: str, tier: int, channel: str | None, now: float) -> None:
        """Counts the call. Raises `ratelimited` with status 429 and Retry-After."""
        if not self.on:
            return
        if (left := self._blocked.get(method, 0.0) - now) > 0:
            raise limited(math.ceil(left))
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= SPECIAL.get(method, TIERS[tier]):
            self._blocked[method] = calls[0] + MINUTE
            raise limited(math.ceil(calls[0] + MINUTE - now))
        if method == "chat.postMessage" and channel is not None:
            self._channel(channel, now)
        calls.append(now)

    def _channel(self, channel: str, now: float) -> None:
        tokens, before = self._tokens.get(channel, (float(CHANNEL_BURST), now))
        tokens = min(float(CHANNEL_BURST), tokens + (now - before) * CHANNEL_RATE)
        if tokens < 1:
            self._tokens[channel] = (tokens, now)
            raise limited(math.ceil((1 - tokens) / CHANNEL_RATE))
        self._tokens[channel] = (tokens - 1, now)


def limited(retry_after: int) -> Refused:
    seconds = max(1, retry_after)
    return Refused("ratelimited", status=429, headers={"Retry-After": str(seconds)})
