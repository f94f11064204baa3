"""Timers that are due: who can be rung is asked of Slack, and what stands in the shop is looked at
first, then one unit of work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.presence import Presence
from bot.schedule.outcomes import Turn
from bot.schedule.recurring import RecurringWork
from bot.wiring.adapters import FreshLooks
from incidents.organisation import House
from incidents.timers import channel_wanted, fire, looks_wanted, presence_wanted
from storage import work
from storage.database import Database
from storage.models import WorkItem


class TimerWork:
    """The handler of timer items: those of incidents, and the house's own recurring jobs."""

    def __init__(
        self,
        database: Database,
        house: House,
        clock: Clock,
        presence: Presence,
        jobs: RecurringWork,
        looks: FreshLooks,
    ) -> None:
        self._database = database
        self._house = house
        self._clock = clock
        self._presence = presence
        self._jobs = jobs
        self._looks = looks

    async def run(self, item: WorkItem) -> Turn:
        """One timer. What it writes and its completion are one transaction."""
        if "recurring" in item.payload:
            return await self._jobs.run(item)
        now = self._clock.now()
        wanted, channel, to_see = await self._database.read(
            lambda session: (
                presence_wanted(session, self._house, item.payload, now),
                channel_wanted(session, self._house, item.payload, now),
                looks_wanted(session, self._house, item.payload, now),
            )
        )
        looks = await self._looks.take(to_see)
        presence: dict[str, datetime | None] = {}
        for user_id in wanted:
            presence[user_id] = (await self._presence.do_not_disturb(user_id)).until
        present = await self._presence.members_of(channel) if channel is not None else None

        def unit(session: Session) -> None:
            at = self._clock.now()
            if work.complete(session, item.id, item.epoch, at):
                fire(session, self._house, item.payload, at, presence, present, looks=looks)

        await self._database.write(unit)
        return None
