"""Channels: the bot as a member of its public channels.

With `chat:write.public` it could post without being in them, but Slack sends reactions, and shows
replies, only to members: without this a 📌 in a thread would never arrive.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.delivery.errors import SlackError
from bot.delivery.sender import Sender
from bot.settings import Settings

log = structlog.get_logger(__name__)


async def join_channels(settings: Settings, sender: Sender) -> None:
    """Joins every configured public channel; joining again changes nothing. Never raises for Slack.

    A private one is joined by invitation only (`muster doctor` says where that is missing).
    """
    public = [channel.id for channel in settings.slack.channels.values() if not channel.private]
    await asyncio.gather(*(_join(sender, channel) for channel in public))


async def _join(sender: Sender, channel: str) -> None:
    try:
        await sender.call("conversations.join", {"channel": channel})
    except SlackError as error:
        log.warning("channel_not_joined", channel=channel, error=str(error))
