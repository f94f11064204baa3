"""Record watch: whether the database is still the one that the bot opened, asked every second.

Where it is not, nothing is written any more, so nothing has an effect. What the open file still
holds is saved beside its place, and who is on duty is told; by a call of its own and not through
the work table, which is what was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from bot.clock import Clock
from bot.delivery.errors import NotDelivered, SlackError
from bot.delivery.lookup import metadata
from bot.delivery.sender import Sender
from incidents.alerting import oncall, record_notice
from incidents.organisation import House
from message_templates.engine import Templates
from plan.languages import DEFAULT
from storage.database import Database
from storage.errors import RecordLost, StorageError

log = structlog.get_logger(__name__)

TEMPLATE = "record"


class People(Protocol):
    """Who is told, and in which language: what is at hand, since no database can be asked."""

    def known_language(self, user_id: str) -> str: ...


class RecordWatch:
    """Of one running bot. `announce`: a sentence on the terminal."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        templates: Templates,
        people: People,
        house: House,
        clock: Clock,
        announce: Callable[[str], None],
    ) -> None:
        self._database = database
        self._sender = sender
        self._templates = templates
        self._people = people
        self._house = house
        self._clock = clock
        self._announce = announce
        self._lost: str | None = None  # the code that was noticed
        self._rescued: str | None = None
        self._told = False

    async def say_what_changed(self) -> None:
        """What was noticed at the start and is told to nobody yet, on the terminal."""
        found = await self._database.read(record_notice.untold)
        if found is not None:
            kind = found["kind"]
            self._announce(self._templates.text(f"record.{kind}", language=DEFAULT, **found))

    async def look(self) -> None:
        """One look; whatever it finds is said once."""
        try:
            await self._database.watch()
        except RecordLost as lost:
            await self._say(lost)
        except StorageError as error:
            log.info("record_not_looked_at", error=str(error))  # readiness names the database
        else:
            self._lost, self._told = None, False

    async def _say(self, lost: RecordLost) -> None:
        if self._lost != lost.code:
            self._lost, self._told = lost.code, False
            keeper = self._database.keeper
            saved = None if keeper is None else await asyncio.to_thread(keeper.rescue)
            self._rescued = None if saved is None else saved.name
            self._announce(self._sentence(DEFAULT))
        if not self._told:
            await self._tell()

    async def _tell(self) -> None:
        """Once. What certainly was not sent is said again with the next look."""
        line = oncall.who(self._house, oncall.ONCALL, self._clock.now())
        person = next(iter(line), None)
        if person is None:
            return
        try:
            opened = await self._sender.call("conversations.open", {"users": person}, urgent=True)
            channel = str((opened.get("channel") or {}).get("id") or "")
            args = {"channel": channel, **self._message(self._people.known_language(person))}
            await self._sender.call("chat.postMessage", args, channel=channel, urgent=True)
        except NotDelivered as error:
            log.warning("loss_not_told", error=str(error))
            return
        except SlackError as error:
            log.warning("loss_not_told", error=str(error))
        self._told = True

    def _message(self, language: str) -> Mapping[str, Any]:
        params = {"kind": self._lost, "lost": True, "rescued": self._rescued}
        drawn = self._templates.render(TEMPLATE, None, language=language, params=params)
        return {
            "text": drawn.text,
            "blocks": list(drawn.blocks),
            "metadata": metadata(f"record-{self._lost}", {}),
        }

    def _sentence(self, language: str) -> str:
        """What the terminal says; the log names the file."""
        parts = (f"record.lost.{self._lost}", "record.lost.does")
        return " ".join(
            self._templates.text(part, language=language, rescued=self._rescued) for part in parts
        )
