"""Notices that the system clock was set back, and has what waits for the wrong future brought near.

Set forward, nothing needs to be mended: what has become due is done, once. Leases hold in either
case, by the database server's clock on PostgreSQL and by the boot id on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import RecurringWork
from storage import work
from storage.database import Database
from storage.errors import StorageError

log = structlog.get_logger(__name__)

_JITTER = timedelta(seconds=2)  # a clock that is only being disciplined moves by less


class ClockWatch:
    """Looks at the clock again and again; `look` is cheap."""

    def __init__(
        self, database: Database, clock: Clock, recurring: Iterable[RecurringWork] = ()
    ) -> None:
        self._database = database
        self._clock = clock
        self._recurring = tuple(recurring)
        self._latest = clock.now()
        self._to_mend = True  # at the start: it may have been set back while nothing ran

    async def look(self) -> None:
        """One look; mends what has to be mended, again at the next look if the database is away."""
        now = self._clock.now()
        if now < self._latest - _JITTER:
            back = round((self._latest - now).total_seconds())
            log.warning("clock_set_back", seconds=back)
            self._to_mend = True
        self._latest = now
        if not self._to_mend:
            return
        try:
            near = await self._database.write(self._mend)
        except StorageError as error:
            log.warning("clock_not_mended", error=str(error))
            return
        self._to_mend = False
        if near:
            log.info("work_brought_near", items=near)

    def _mend(self, session: Session) -> int:
        for each in self._recurring:
            each.bring_near(session)
        return work.bring_near(session, self._clock.now())
