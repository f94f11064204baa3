"""Pace of work: a burst goes at once, and what is more is begun one after the other.

A press for 600 orders would else keep the interpreter, and whoever clicks meanwhile, for as long as
it lasts; and no shop is glad of it either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pace:
    """`burst` turns may begin at once, then `per_second` (the generic cell rate algorithm)."""

    def __init__(
        self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._every = 1 / per_second
        self._ahead = burst * self._every
        self._now = now
        self._full_at = now()  # when all of the burst lies ready again

    def delay(self) -> float:
        """Takes one turn; how many seconds from now it may begin."""
        now = self._now()
        self._full_at = max(self._full_at, now) + self._every
        return max(0.0, self._full_at - self._ahead - now)

    async def wait(self) -> None:
        """The gate of a lane: it opens when the turn may begin."""
        seconds = self.delay()
        if seconds:
            await asyncio.sleep(seconds)
