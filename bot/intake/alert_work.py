"""Alert work: stored alerts on their way to their incidents, a door's one after the other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.intake.alert_doors import alerts_of
from bot.schedule.outcomes import Park, Retry, Run, Turn
from checks.alerts.model import Alert
from incidents.detection.alerts import take_alerts
from incidents.detection.findings import Taken
from incidents.organisation import House
from storage import work
from storage.database import Database
from storage.models import WorkItem
from storage.models.alerts import ALERT

log = structlog.get_logger(__name__)

_TRIES = 3  # then those of a body that cannot be taken up are set aside
_PAUSE = timedelta(seconds=2)


class AlertWork:
    """Has the domain take up what a door heard."""

    def __init__(self, database: Database, house: House, clock: Clock) -> None:
        self._database = database
        self._house = house
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def beside(self, others: Run) -> Run:
        """The handler of the intake kind: alerts here, Slack's deliveries by `others`."""

        async def run(item: WorkItem) -> Turn:
            return await (self.run(item) if item.key.startswith(ALERT) else others(item))

        return run

    async def run(self, item: WorkItem) -> Turn:
        """Works on one stored body."""
        stored = item.secret if item.secret is not None else await self._load(item.id)
        door = str(item.payload["door"])
        heard = alerts_of(stored)
        gone = self._gone(heard)  # the plan was changed between the answer and now
        alerts = [one for one in heard if one.over or one.incident_type not in gone]
        whole = len(alerts) == len(heard)
        async with self._turns[door]:
            taken = await self._database.write(
                lambda s: self._taken(s, item, door, alerts, whole=whole)
            )
        if taken.opened or taken.recovered:
            log.info("alerted", door=door, opened=taken.opened, over=taken.recovered)
        if not taken.failed and gone:
            return Park(f"“{min(gone)}” is no incident type of the plan any more")
        if not taken.failed:
            return None
        error = f"not taken up, by an error of Muster: {len(taken.failed)}"
        if item.attempts < _TRIES:
            return Retry(self._clock.now() + _PAUSE, error)
        return Park(error)

    def _gone(self, alerts: list[Alert]) -> set[str]:
        types = {one.incident_type for one in alerts if not one.over}
        for section in self._house.plan.sections.values():
            types -= {kind.id for kind in section.types}
        return types

    def _taken(
        self, session: Session, item: WorkItem, door: str, alerts: list[Alert], *, whole: bool
    ) -> Taken:
        """One transaction: the incidents, and that the body has been worked on, if all of it was.

        What was taken up is told again without effect, by its last word.
        """
        now = self._clock.now()
        taken = take_alerts(session, self._house, door, alerts, item.created_at, now)
        if not taken.failed and whole:
            work.once(session, item.key, now)
        return taken

    async def _load(self, item_id: int) -> Any:
        def unit(session: Session) -> Any:
            return session.scalar(select(WorkItem.secret).where(WorkItem.id == item_id))

        return await self._database.read(unit)
