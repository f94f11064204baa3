"""Watch over the system clock: notices that it was set, and has what waits for a wrong time mended.

It runs on the machine's running time, which nobody sets: what sleeps by the wall clock would sleep
through its own correction. Set forward, nothing needs to be mended: what has become due is done,
once. Leases hold in either case, by the database server's clock on PostgreSQL and by the boot id on
SQLite.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import RecurringWork
from storage import work
from storage.database import Database
from storage.errors import StorageError
from storage.work import running_time

log = structlog.get_logger(__name__)

EVERY = 0.5  # seconds between two looks
_JITTER = timedelta(seconds=2)  # a clock that is only being disciplined moves by less
_STANDS_STILL = 5.0  # seconds without a tick: whatever the cause, the scheduler begins anew


class Ticking(Protocol):
    """What wakes the workers (bot.schedule.scheduler)."""

    @property
    def seconds_since_tick(self) -> float: ...

    def begin_anew(self) -> None: ...


class ClockWatch:
    """Looks at the clock again and again; `look` is cheap."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        recurring: Iterable[RecurringWork] = (),
        scheduler: Ticking | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._recurring = tuple(recurring)
        self._scheduler = scheduler
        self._wall, self._running = self._undriven(), running_time()
        self._era = clock.now()  # since when the clock runs as it does
        self._back = timedelta()  # by how much it was set back, as far as it is not mended
        self._to_mend = True  # at the start: it may have been set back while nothing ran
        self._set_at = time.monotonic()
        self._looking: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether it runs no more although nobody stopped it."""
        return self._looking is not None and self._looking.done()

    @property
    def seconds_since_set(self) -> float:
        """Since the clock was set, or the process was started."""
        return time.monotonic() - self._set_at

    def start(self) -> None:
        self._looking = asyncio.create_task(self._keep_looking(), name="watch-the-clock")

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("clock_not_looked_at")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look; mends what has to be mended, again at the next look if the database is away."""
        self._notice()
        if self._to_mend:
            await self._mend()
        if self._scheduler is not None and self._scheduler.seconds_since_tick > _STANDS_STILL:
            log.warning("scheduler_stood_still", seconds=round(self._scheduler.seconds_since_tick))
            self._scheduler.begin_anew()

    def _undriven(self) -> datetime:
        """The wall clock without what a test has moved it by on purpose."""
        return self._clock.now() - self._clock.driven()

    def _notice(self) -> None:
        wall, running = self._undriven(), running_time()
        step = (wall - self._wall) - timedelta(seconds=running - self._running)
        self._wall, self._running = wall, running
        if abs(step) <= _JITTER:
            return
        back = step < timedelta()
        seconds = round(abs(step).total_seconds())
        log.warning("clock_set_back" if back else "clock_set_forward", seconds=seconds)
        self._set_at = time.monotonic()
        if back:
            self._back -= step
            self._to_mend = True
        else:
            self._era += step
        if self._scheduler is not None:
            self._scheduler.begin_anew()

    async def _mend(self) -> None:
        back = self._back
        # On PostgreSQL other machines write into the same table, whose clocks may be right.
        exactly = work.SetBack(back, self._era) if back and self._database.embedded else None
        try:
            near = await self._database.write(lambda session: self._bring_near(session, exactly))
        except StorageError as error:
            log.warning("clock_not_mended", error=str(error))
            return
        self._to_mend, self._back = False, self._back - back
        self._era -= back
        if near:
            log.info("work_brought_near", items=near)
        if self._scheduler is not None:
            self._scheduler.begin_anew()

    def _bring_near(self, session: Session, exactly: work.SetBack | None) -> int:
        for each in self._recurring:
            each.bring_near(session, timedelta() if exactly is None else exactly.by)
        return work.bring_near(session, self._clock.now(), exactly)
