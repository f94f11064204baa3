"""Given numbers: which numbers of incidents stand in Slack, as the metadata of the cards says.

A database that was lost, emptied or put back to an older state does not know them, and must not
give them out again. So the channels are asked at the start, and what the database does not know is
recorded and told; its numbers go on above.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.errors import SlackError
from bot.delivery.lookup import own_posts
from bot.delivery.sender import Sender
from storage import continuity, numbers
from storage.database import Database
from storage.models import SlackMessage

log = structlog.get_logger(__name__)

_CARD = re.compile(r"INC-([1-9]\d{0,8})/card")
_LEAP = 1000  # numbers left out where nothing is known and Slack cannot say it
PATIENCE = 10.0  # seconds in which a database that knows nothing waits for Slack


class GivenNumbers:
    """Asked at the start, until Slack has said it. `bot_id`: of our own posts, once it is known."""

    def __init__(
        self,
        channels: Collection[str],
        sender: Sender,
        database: Database,
        clock: Clock,
        bot_id: Callable[[], str | None],
    ) -> None:
        self._channels = sorted(set(channels))
        self._sender = sender
        self._database = database
        self._clock = clock
        self._bot_id = bot_id
        self._ended = asyncio.Event()  # the first try
        self._begun = False
        self.answered = False

    async def ask(self) -> None:
        """Looks through what was posted since the newest card that the database knows.

        A channel that is gone holds no card; one that Slack does not show may hold any.
        """
        try:
            found = await self._found(await self._database.read(_newest_card))
        except SlackError as error:
            log.warning("numbers_not_told", error=str(error))
        else:
            await self._database.write(lambda session: self._take_up(session, found))
            self.answered = True
        finally:
            self._ended.set()

    async def _found(self, since: datetime | None) -> set[int]:
        found: set[int] = set()
        for channel in self._channels:
            for message in await own_posts(self._sender, channel=channel, since=since):
                number = self._number_of(message)
                if number is not None:
                    found.add(number)
        return found

    def _number_of(self, message: Mapping[str, Any]) -> int | None:
        """The incident whose card the message is; None: it is no card of ours."""
        bot, ours = message.get("bot_id"), self._bot_id()
        if not bot or (ours is not None and bot != ours):
            return None
        said = message["metadata"].get("event_payload") or {}
        key = _CARD.fullmatch(str(said.get("message")))
        return None if key is None else int(key[1])

    def _take_up(self, session: Session, found: Collection[int]) -> None:
        known = numbers.highest(session)
        unknown = sorted(number for number in found if number > known)
        if unknown:
            numbers.raise_to(session, unknown[-1])
            # What a bot does that has begun must not be taken for what was under way before.
            marks = not (self._begun or self._database.known_again)
            continuity.behind(session, unknown, self._clock.now(), marks=marks)
            log.warning("record_changed", what=continuity.BEHIND, highest=unknown[-1])

    async def begin(self) -> None:
        """Before the first number is given out. A database that knows nothing waits for Slack;
        one that Slack leaves without an answer begins far above."""
        if not self._database.known_again and await self._database.read(numbers.highest) == 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._ended.wait()
            if not self.answered:
                await self._database.write(lambda session: numbers.raise_to(session, _LEAP))
                log.warning("numbers_not_known", next=_LEAP + 1)
        self._begun = True


def _newest_card(session: Session) -> datetime | None:
    """By Slack's clock."""
    newest = select(func.max(SlackMessage.ts)).where(SlackMessage.key.like("%/card"))
    found = session.scalar(newest)
    return None if found is None else datetime.fromtimestamp(float(found), UTC)
