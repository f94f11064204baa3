"""A story as Slack sees it: the domain's own world, drawn and delivered into the sandbox Slack.

Who is rung is counted in Slack's log, by Slack's rules of following, never by the bot's own book.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.delivery.audiences import Audience, Audiences
from bot.delivery.context import Office
from bot.delivery.presence import Presence
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.delivery.worker import Deliverer
from bot.rendering import Drawing
from incidents.organisation import House
from message_templates.engine import Templates
from sandbox.slack.rings import Ring
from sandbox.slack.server import SlackSandbox
from storage import work
from storage.models import Person
from tests.incidents.world import World

TAIPEI = ZoneInfo("Asia/Taipei")
CHANNELS = {
    "incidents": Audience("incidents", "C0INCIDENTS"),
    "cs": Audience("cs", "C0CSDESK", language="zh-Hant"),
    "private": Audience("private", "C0CSINC", private=True),
}


class StoryClock:
    """The clock of the story: waiting for a moment in it costs no time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    async def sleep_until(self, moment: datetime) -> None:
        self._world.now = max(self._world.now, moment)
        await asyncio.sleep(0)


class Story:
    """The domain's world, with delivery and the people's lock screens."""

    def __init__(self, world: World, slack: SlackSandbox, sender: Sender) -> None:
        self.world = world
        self.slack = slack
        self._sender = sender
        self._clock = StoryClock(world)
        self._presence = Presence(sender, world.database, self._clock)
        self._deliverer: Deliverer
        self.configure(world.house)

    def configure(self, house: House) -> None:
        """Delivery with this configuration, as after a start with it."""
        office = Office(
            database=self.world.database,
            sender=self._sender,
            renderer=Drawing(house, Templates(TAIPEI), self._clock, lambda _: TAIPEI, TAIPEI),
            audiences=Audiences(
                {key: found for key, found in CHANNELS.items() if key in house.audiences}
            ),
            clock=self._clock,
            people=self._presence,
        )
        self._deliverer = Deliverer(office)

    async def told(self) -> None:
        """Everything is delivered that is due, and what it waits for a few seconds."""
        while True:
            items = self.world.write(
                lambda s: work.claim(s, "message", owner="boot", now=self.world.now, limit=16)
            )
            await asyncio.gather(*(self._deliverer.run(item) for item in items))
            if items:
                continue
            due = self.world.read(lambda s: work.next_due(s, "message", self.world.now))
            if due is None or due > self.world.now + timedelta(seconds=15):
                return
            self.world.now = max(self.world.now, due)

    async def passes(self, seconds: float) -> None:
        """Time passes."""
        await self.told()
        await self.looks()
        self.world.advance(seconds)
        await self.told()

    async def looks(self, channel: str = "C0INCIDENTS") -> None:
        """Who is in the channel now, as a timer that wants to know would ask Slack."""
        found = await self._presence.members_of(channel)
        self.world.present = None if found is None else set(found)

    def leaves(self, person: str, channel: str = "C0INCIDENTS") -> None:
        self.slack.world.workspace.channels[channel].members.pop(person)

    def rings(self, person: str) -> list[Ring]:
        """What made this person's phone ring, in its order."""
        return list(self.slack.world.rings[person])

    def why(self, person: str) -> Counter[str]:
        return Counter(ring.why for ring in self.rings(person))

    def shown(self, channel: str) -> list[dict[str, Any]]:
        found = self.slack.world.workspace.channels[channel]
        return [found.messages[ts].to_api(self.slack.url) for ts in sorted(found.messages)]


@asynccontextmanager
async def story(folder: Path, **changed: Any) -> AsyncIterator[Story]:
    """A workspace on a real socket. `changed`: of the house."""
    world = World.create(folder, **changed)
    slack = SlackSandbox()
    await slack.start()
    client = open_client("xoxb-sandbox-bot", f"{slack.url}/api/", timeout=5.0)
    sender = Sender(client, budget=Budget(), clock=StoryClock(world))
    yield Story(world, slack, sender)
    await close_client(client)
    await slack.stop()
    world.close()


def language(world: World, person: str, chosen: str) -> None:
    """The person reads that language from now on."""

    def unit(session: Any) -> None:
        session.get_one(Person, person).language = chosen

    world.write(unit)
