"""Groups: who is in the user groups of the configured roles, as Slack says: asked again and again.

Slack may be away when the bot starts, and people come and go: a role whose group is not known has
nobody, is refused every button and rung by nothing. So what Slack said last is kept in the
database, and asked for every minute until it is known, then now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.errors import SlackError
from bot.delivery.sender import Sender
from storage.database import Database
from storage.errors import StorageError
from storage.models import HouseFact

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds between two looks whether it is time to ask
_AGAIN = timedelta(minutes=10)  # after Slack said who is in them
_FACT = "groups"
Members = dict[str, tuple[str, ...]]


class Groups:
    """`changed` is told when Slack says something new."""

    def __init__(
        self, wanted: Collection[str], sender: Sender, database: Database, clock: Clock
    ) -> None:
        self._wanted = sorted(set(wanted))
        self._sender = sender
        self._database = database
        self._clock = clock
        self._asked: datetime | None = None  # when Slack last told of all of them
        self.members: Members = {}
        self.changed: Callable[[], None] = lambda: None

    @property
    def unknown(self) -> list[str]:
        """Groups of which nothing was ever heard: their roles have nobody."""
        return [group for group in self._wanted if group not in self.members]

    async def load(self) -> None:
        """What Slack said last, kept from before."""
        kept = await self._database.read(lambda session: session.get(HouseFact, _FACT))
        stored = {} if kept is None else kept.value
        self.members = {group: tuple(stored[group]) for group in self._wanted if group in stored}

    async def look(self) -> None:
        """Asks when it is time to."""
        if self._asked is None or self._clock.now() - self._asked >= _AGAIN:
            await self.ask()

    async def ask(self) -> None:
        """Asks Slack for all at once; what it cannot tell now stays as it was."""
        told = await asyncio.gather(*(self._ask(group) for group in self._wanted))
        found = {g: who for g, who in zip(self._wanted, told, strict=True) if who is not None}
        if len(found) == len(self._wanted):
            self._asked = self._clock.now()
        if all(self.members.get(group) == people for group, people in found.items()):
            return
        self.members = {**self.members, **found}
        self.changed()
        try:
            await self._database.write(self._keep)
        except StorageError as error:
            log.warning("groups_not_kept", error=str(error))

    async def _ask(self, group: str) -> tuple[str, ...] | None:
        try:
            answer = await self._sender.call("usergroups.users.list", {"usergroup": group})
        except SlackError as error:
            log.warning("group_not_told", group=group, error=str(error))
            return None
        return tuple(answer.get("users") or ())

    def _keep(self, session: Session) -> None:
        session.merge(
            HouseFact(key=_FACT, value={group: list(who) for group, who in self.members.items()})
        )
