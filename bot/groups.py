"""Groups: who is in the user groups of the configured roles, as Slack says: asked again and again.

Slack may be away when the bot starts, and people come and go: a role whose group is not known has
nobody, is refused every button and rung by nothing. So what Slack said last is kept in the
database, and asked for anew within every minute, and at every press that moves money.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery.errors import SlackError, Unclear
from bot.delivery.sender import Sender
from storage.database import Database
from storage.errors import StorageError
from storage.models import HouseFact

log = structlog.get_logger(__name__)

EVERY = 50.0  # seconds between two times that Slack is asked: who left has no right a minute later
_ASKED_FOR = 4.0  # seconds that a press waits for it
_FACT = "groups"
Members = dict[str, tuple[str, ...]]


class Groups:
    """`changed` is told when Slack says something new."""

    def __init__(self, wanted: Collection[str], sender: Sender, database: Database) -> None:
        self._wanted = sorted(set(wanted))
        self._sender = sender
        self._database = database
        self._turn = asyncio.Lock()
        self._asked = 0  # how often Slack was asked
        self._told = False  # what it answered the last time
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
        """Asks Slack; what it cannot tell now stays as it was."""
        async with self._turn:
            await self._ask()

    async def confirm(self) -> bool:
        """Whether Slack says now who is in the groups: what it said before is not enough.

        Who comes while it is being asked is not answered by what was asked before them; all who
        wait are answered at once.
        """
        if not self._wanted:
            return True
        came = self._asked
        try:
            async with asyncio.timeout(_ASKED_FOR), self._turn:
                return self._told if self._asked > came else await self._ask()
        except TimeoutError:
            log.warning("groups_not_confirmed")
            return False

    async def _ask(self) -> bool:
        """Whether Slack told of all of them."""
        self._asked += 1
        self._told = False
        if not self._wanted:
            return True
        try:
            told = await told_by(self._sender)
        except SlackError as error:
            log.warning("groups_not_told", groups=self._wanted, error=str(error))
            return False
        # A group that Slack named once and names no more is switched off: nobody has a right by it.
        found = {
            group: told.get(group, ())
            for group in self._wanted
            if group in told or group in self.members
        }
        for group in self._wanted:
            if group not in told:
                log.warning("group_not_told", group=group, error="Slack names no such group")
        await self._take(found)
        self._told = True
        return True

    async def _take(self, found: Members) -> None:
        if self.members == found:
            return
        self.members = found
        self.changed()
        try:
            await self._database.write(self._keep)
        except StorageError as error:
            log.warning("groups_not_kept", error=str(error))

    def _keep(self, session: Session) -> None:
        session.merge(
            HouseFact(key=_FACT, value={group: list(who) for group, who in self.members.items()})
        )


async def told_by(sender: Sender) -> Members:
    """Who is in each user group of the workspace, as Slack says now. Raises SlackError."""
    answer = await sender.call("usergroups.list", {"include_users": "true"}, urgent=True)
    told = _told_of(answer)
    if told is None:
        raise Unclear("no list of groups")
    return told


def _told_of(answer: Mapping[str, Any]) -> Members | None:
    """Who is in each group; None where the answer does not say so of every group."""
    groups = answer.get("usergroups")
    if not isinstance(groups, list) or not all(
        isinstance(one.get("users"), list) for one in groups
    ):
        return None
    return {str(one.get("id")): tuple(map(str, one["users"])) for one in groups}
