"""Channel watch: the workspace is compared at the start, the channels are looked at again now and
then, and what waited for one goes out.
"""

from __future__ import annotations

from functools import partial

import structlog

from bot.channels import Channels
from bot.clock import Clock
from bot.delivery.membership import Membership
from bot.delivery.presence import user_of
from bot.delivery.sender import Sender
from bot.section_gaps import posted_in
from bot.settings import Settings
from bot.workspace import Workspace, told
from handlers.identity import Identity
from incidents.alerting import dead_letters
from incidents.organisation import House
from storage.database import Database

log = structlog.get_logger(__name__)


class ChannelWatch:
    """Beside the work: nothing waits for it but what may be posted in private channels alone."""

    def __init__(
        self,
        settings: Settings,
        channels: Channels,
        sender: Sender,
        database: Database,
        house: House,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._channels = channels
        self._sender = sender
        self._database = database
        self._house = house
        self._clock = clock

    async def compare(self, identity: Identity) -> None:
        """Joins the public channels, and logs where Slack and the configuration differ."""
        await self.look()
        await self._channels.join()
        workspace = Workspace(
            self._settings,
            self._channels,
            Membership(self._sender, self._clock),
            partial(user_of, self._sender),
            identity,
            await told(self._sender),
            posted_in(self._house),
        )
        for mark, sentence in await workspace.lines():
            if mark != "ok":
                log.warning("workspace", mark=mark, sentence=sentence)

    async def look(self) -> None:
        """What waited for a channel to be private again goes out."""
        if await self._channels.look():
            await self.found()

    async def found(self) -> None:
        """What waited for a channel goes out, where there is one by now."""
        now = self._clock.now()
        again = await self._database.write(
            lambda s: dead_letters.channel_found(s, self._house, now)
        )
        if again:
            log.info("channel_found", messages=len(again))
