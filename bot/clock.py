"""The clock that is handed in (rule 8): the system's, or one that tests and drills drive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is for Muster, and waiting by that time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Returns when `now()` has reached `moment`."""
        ...

    def driven(self) -> timedelta:
        """By how much it was moved on purpose; nothing of that is a clock that somebody set."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def driven(self) -> timedelta:
        return timedelta()

    async def sleep_until(self, moment: datetime) -> None:
        # In slices, so that a system clock that was set forward is noticed; and never longer than
        # it was at the beginning, however far the clock is set back.
        left = (moment - self.now()).total_seconds()
        end = time.monotonic() + left
        while left > 0:
            await asyncio.sleep(min(left, 60.0))
            left = min((moment - self.now()).total_seconds(), end - time.monotonic())


class DrivenClock:
    """Real time plus what it was advanced by. Only for tests and drills."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._sleepers: set[asyncio.Event] = set()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def driven(self) -> timedelta:
        return self._offset

    def advance(self, seconds: float) -> datetime:
        """Moves the time forward and wakes whoever waited for it. ValueError when backward."""
        if seconds < 0:
            raise ValueError("a driven clock does not run backward")
        self._offset += timedelta(seconds=seconds)
        for sleeper in self._sleepers:
            sleeper.set()
        for listener in self._listeners:
            listener()
        return self.now()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """`listener()` after each advance: workers look again for what has become due."""
        self._listeners.append(listener)

    async def sleep_until(self, moment: datetime) -> None:
        moved = asyncio.Event()
        self._sleepers.add(moved)
        try:
            while (left := (moment - self.now()).total_seconds()) > 0:
                try:
                    async with asyncio.timeout(left):
                        await moved.wait()
                except TimeoutError:
                    continue
                moved.clear()
        finally:
            self._sleepers.discard(moved)
