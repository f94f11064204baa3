"""A clock that stands still until it is told to go, or until somebody waits on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SteppedClock:
    """Waiting on it moves it: no test ever sleeps."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC).replace(microsecond=0)
        self.others: list[Callable[[float], object]] = []  # clocks that go with it

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        for other in self.others:
            other(seconds)

    async def sleep_until(self, moment: datetime) -> None:
        if moment > self._now:
            self.advance((moment - self._now).total_seconds())
        await asyncio.sleep(0)
