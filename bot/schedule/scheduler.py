"""APScheduler wakes, the table decides (decision 7).

With its default grace of 1 s a stall of the loop would drop runs with no more than a warning, so
a wake is never too late (`misfire_grace_time=None`), late ones are one (`coalesce`), and a job
does not overlap with itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.schedule.workers import Workers

TICK_SECONDS = 1.0  # how late work that another replica enqueued is noticed at most


class Scheduler:
    """Wakes the workers at regular times."""

    def __init__(self, workers: Workers) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._workers = workers
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def wake_every(self, seconds: float, *kinds: str) -> None:
        """Has these kinds look for due work; all kinds when none is named."""

        async def wake() -> None:
            self._workers.wake(kinds or None)

        self.every(seconds, wake, name="wake " + (" ".join(kinds) or "all"))

    def every(self, seconds: float, job: Callable[[], Awaitable[None]], *, name: str) -> None:
        """Runs `job` in this process, whatever other replicas do (a heartbeat, a measurement)."""
        self._scheduler.add_job(job, IntervalTrigger(seconds=seconds), name=name)

    def start(self) -> None:
        """Begins; needs the running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
