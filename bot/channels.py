"""Channels: what Slack says of the configured channels, and the bot as a member of the public ones.

With `chat:write.public` it could post without being in them, but Slack sends reactions, and shows
replies, only to members: without this a 📌 in a thread would never arrive.

A channel that the configuration calls private and Slack does not, or that people of another
organisation read along, is withheld: nothing is posted there until that is mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.delivery.audiences import Gate
from bot.delivery.errors import SlackError, SlackRefused
from bot.delivery.sender import Sender
from bot.workspace_settings import Channel

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds between two looks whether it is time to ask
_AGAIN = timedelta(minutes=1)  # after all were asked for: a channel may be shared at any time


@dataclass(frozen=True)
class Seen:
    """A channel as Slack shows it to the bot."""

    name: str
    private: bool
    archived: bool
    shared: bool  # with another organisation, or about to be
    member: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Seen:
        return cls(
            name=str(found.get("name") or ""),
            private=bool(found.get("is_private")),
            archived=bool(found.get("is_archived")),
            shared=_outside(found),
            member=bool(found.get("is_member")),
        )

    @property
    def breaks_privacy(self) -> bool:
        """Whether more people read it than a private channel promises."""
        return self.shared or not self.private


def _outside(found: Mapping[str, Any]) -> bool:
    """Slack: is_org_shared is among the workspaces of one organisation, so nobody from outside."""
    shared = found.get("is_shared") and not found.get("is_org_shared")
    return bool(shared or found.get("is_ext_shared") or found.get("is_pending_ext_shared"))


class Channels:
    """The configured channels; `look` asks Slack, the rest says what it was told last."""

    def __init__(self, channels: Mapping[str, Channel], sender: Sender, clock: Clock) -> None:
        self._channels = channels
        self._sender = sender
        self._clock = clock
        self._asked: datetime | None = None  # when all were asked for
        self.seen: dict[str, Seen] = {}  # by the key of the configuration
        self.refused: dict[str, str] = {}  # the same: Slack's code

    async def look(self) -> bool:
        """Asks Slack for those of which it has said nothing yet; now and then for all.

        What it cannot tell now stays as it was. Whether one may be posted in that might not.
        Never raises for Slack.
        """
        before = {key: self.gate(key) for key in self._channels}
        now = self._clock.now()
        again = self._asked is None or now - self._asked >= _AGAIN
        wanted = [key for key in self._channels if again or not self._told(key)]
        if again:
            self._asked = now
        await asyncio.gather(*(self._look(key) for key in wanted))
        return any(self.gate(key) == "open" != gate for key, gate in before.items())

    def _told(self, key: str) -> bool:
        return key in self.seen or key in self.refused

    async def _look(self, key: str) -> None:
        channel = self._channels[key].id
        try:
            answer = await self._sender.call("conversations.info", {"channel": channel})
        except SlackRefused as error:
            self.seen.pop(key, None)
            self.refused[key] = error.code
        except SlackError as error:
            log.info("channel_not_told", channel=channel, error=str(error))
        else:
            self.refused.pop(key, None)
            self.seen[key] = Seen.of(answer.get("channel") or {})

    def gate(self, key: str) -> Gate:
        """Whether it may be posted in; where Slack refuses to tell, it refuses the message too."""
        channel, seen = self._channels.get(key), self.seen.get(key)
        if channel is None or not channel.private:
            return "open"
        if seen is None:
            return "open" if key in self.refused else "unknown"
        return "withheld" if seen.breaks_privacy else "open"

    def name_of(self, identifier: str) -> str | None:
        """Slack's name of a public channel; a private one's is told by Slack to its members."""
        for key, channel in self._channels.items():
            seen = self.seen.get(key)
            if channel.id == identifier and seen is not None and not seen.private:
                return seen.name
        return None

    async def join(self) -> None:
        """Joins every public channel; joining again changes nothing. Never raises for Slack.

        A private one is joined by invitation only (`muster doctor` says where that is missing).
        """
        public = [channel.id for channel in self._channels.values() if not channel.private]
        await asyncio.gather(*(self._join(channel) for channel in public))

    async def _join(self, channel: str) -> None:
        try:
            await self._sender.call("conversations.join", {"channel": channel})
        except SlackError as error:
            log.warning("channel_not_joined", channel=channel, error=str(error))
