"""Scheduler: APScheduler wakes, the table decides (decision 7).

With its default grace of 1 s a stall of the loop would drop runs with no more than a warning, so
a wake is never too late (`misfire_grace_time=None`), late ones are one (`coalesce`), and a job
does not overlap with itself. It sleeps by the wall clock; when that was set back, it must be told
to `begin_anew` (bot.schedule.clock_watch).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.schedule.workers import Workers

TICK_SECONDS = 1.0  # how late work that another replica enqueued is noticed at most


class Scheduler:
    """Wakes the workers at regular times."""

    def __init__(self, workers: Workers) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._workers = workers
        self._ticked = time.monotonic()
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def wake_every(self, seconds: float, *kinds: str) -> None:
        """Has these kinds look for due work; all kinds when none is named."""

        async def wake() -> None:
            if not kinds:
                self._ticked = time.monotonic()
            self._workers.wake(kinds or None)

        self.every(seconds, wake, name="wake " + (" ".join(kinds) or "all"))

    def every(self, seconds: float, job: Callable[[], Awaitable[object]], *, name: str) -> None:
        """Runs `job` in this process, whatever other replicas do (a heartbeat, a measurement)."""
        self._scheduler.add_job(job, IntervalTrigger(seconds=seconds), name=name)

    def start(self) -> None:
        """Begins; needs the running event loop."""
        self._ticked = time.monotonic()
        self._scheduler.start()

    @property
    def seconds_since_tick(self) -> float:
        """Since all kinds were woken, by a clock that nobody sets."""
        return time.monotonic() - self._ticked

    def begin_anew(self) -> None:
        """Each job runs now, and from now on: the times that they waited for mean nothing."""
        if self._scheduler.running:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))
        self._workers.wake()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
