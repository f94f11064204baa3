"""People as the bot knows them: language and zone at hand without asking Slack each time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.presence import Presence
from incidents.people import Standing
from plan.languages import DEFAULT
from storage.database import Database
from storage.errors import StorageError
from storage.models import Person

log = structlog.get_logger(__name__)

_STANDS = timedelta(hours=1)  # what somebody is changes seldom
_ASKED_FOR = 2.0  # seconds that a press waits for it
PEOPLE_SECONDS = 5.0  # how late a choice that another replica took is known here


class PeopleDirectory:
    """Language and zone by person; Slack is asked once for somebody new."""

    def __init__(self, presence: Presence, database: Database, clock: Clock) -> None:
        self._clock = clock
        self._standings: dict[str, tuple[Standing, datetime]] = {}
        self._presence = presence
        self._database = database
        self._languages: dict[str, str] = {}
        self._zones: dict[str, ZoneInfo] = {}

    async def load(self) -> None:
        """Everybody whom the database knows."""

        def read(session: Session) -> list[tuple[str, str, str, str | None, datetime]]:
            return [
                (p.user_id, p.language, p.time_zone, p.standing, p.refreshed_at)
                for p in session.scalars(select(Person))
            ]

        for user_id, language, zone, standing, at in await self._database.read(read):
            self._keep(user_id, language, zone)
            if standing is not None:
                self._standings[user_id] = (Standing(standing), at)

    async def meet(self, persons: Iterable[str]) -> None:
        """Slack is asked for those of whom nothing new is known, all at once."""
        await asyncio.gather(*(self._presence.refresh_stale(person) for person in persons))
        await self.load()

    async def reload(self) -> None:
        """The same again, for what other replicas wrote; a database that is away is no matter."""
        try:
            await self.load()
        except StorageError as error:
            log.info("people_not_reloaded", error=str(error))

    async def language_of(self, user_id: str) -> str:
        """The person's own choice, first from Slack's locale."""
        if user_id not in self._languages:
            await self._learn(user_id)
        return self._languages.get(user_id, DEFAULT)

    def known_language(self, user_id: str) -> str:
        """What is at hand; an acknowledgement waits for nobody."""
        return self._languages.get(user_id, DEFAULT)

    async def standing_of(self, user_id: str) -> Standing:
        """What somebody is in the workspace: a member, a guest … Asked anew once an hour.

        Where Slack cannot say now, what it said before stands; UNKNOWN where it never said.
        """
        kept, at = self._standings.get(user_id, (Standing.UNKNOWN, None))
        now = self._clock.now()
        if at is not None and abs(now - at) < _STANDS:
            return kept
        try:
            async with asyncio.timeout(_ASKED_FOR):
                said = await self._presence.ask_standing(user_id)
        except (TimeoutError, StorageError) as error:
            log.warning("standing_not_told", user=user_id, error=str(error) or "no answer in time")
            return kept
        if said is Standing.UNKNOWN:
            return kept
        self._standings[user_id] = (said, now)
        return said

    def known_zone(self, user_id: str) -> ZoneInfo:
        """What is at hand of the person's zone."""
        return self._zones.get(user_id, ZoneInfo("UTC"))

    async def zone_of(self, user_id: str) -> ZoneInfo:
        if user_id not in self._zones:
            await self._learn(user_id)
        return self._zones.get(user_id, ZoneInfo("UTC"))

    async def choose_language(self, user_id: str, language: str) -> None:
        """Keeps the person's own choice; from now on Slack's locale does not change it."""
        await self._presence.refresh_stale(user_id)

        def write(session: Session) -> None:
            person = session.get(Person, user_id)
            if person is not None:
                person.language, person.language_chosen = language, True

        await self._database.write(write)
        self._languages[user_id] = language

    async def _learn(self, user_id: str) -> None:
        await self._presence.refresh_stale(user_id)

        def read(session: Session) -> tuple[str, str] | None:
            person = session.get(Person, user_id)
            return None if person is None else (person.language, person.time_zone)

        found = await self._database.read(read)
        if found is not None:
            self._keep(user_id, *found)

    def _keep(self, user_id: str, language: str, zone: str) -> None:
        self._languages[user_id] = language
        self._zones[user_id] = self.house_zone(zone)

    @staticmethod
    def house_zone(name: str) -> ZoneInfo:
        """The zone; one that this machine does not know is UTC."""
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")
