"""The sandbox's clock: real time plus what a tester moved it forward."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MICROSECONDS = 1_000_000


class SandboxClock:
    """Seconds since the epoch, moved forward by `advance`; whoever sleeps on it is woken then."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._real = now
        self._offset = 0.0
        self._last_ts = 0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._real() + self._offset

    def ts(self) -> str:
        """A message timestamp: no two are alike, and each is later than the one before."""
        self._last_ts = max(int(self.now() * MICROSECONDS), self._last_ts + 1)
        return format_ts(self._last_ts)

    def advance(self, seconds: float) -> float:
        self._offset += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Returns when the sandbox's clock stands `seconds` later than now."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), left)
            except TimeoutError:
                continue


def format_ts(microseconds: int) -> str:
    return f"{microseconds // MICROSECONDS}.{microseconds % MICROSECONDS:06d}"
