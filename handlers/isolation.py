"""Isolation: a shortcut on a message in which customer data stands where it must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.context import Desk
from handlers.registry import Asks, Interaction, Registry
from handlers.typed import as_typed
from incidents import people
from incidents.lifecycle import isolation
from incidents.outcome import Outcome
from incidents.rights import Right


def register(registry: Registry) -> None:
    registry.shortcut("message.isolate", asks=Asks(Right.ISOLATE))(isolate)


async def isolate(interaction: Interaction, desk: Desk) -> None:
    """“Isolate customer data” on any message that the person sees."""
    channel, ts = interaction.channel_id, interaction.message_ts
    if channel is None or ts is None:
        await desk.say(interaction, "form_gone")
        return
    answered = interaction
    if interaction.thread_ts == ts:  # the root of a thread stands in the channel
        answered = replace(interaction, thread_ts=None)
    link = await desk.slack.permalink(channel, ts)
    message: Mapping[str, Any] = interaction.payload.get("message") or {}
    actor = desk.actor(interaction)
    author = None if message.get("bot_id") else message.get("user")
    if author is not None:
        await desk.people.language_of(author)  # so that they are known by name

    def work(session: Session, now: datetime) -> Outcome:
        words = as_typed(interaction.text, lambda user: people.plain_name(session, user))
        pointed = isolation.Pointed(
            channel=channel,
            ts=ts,
            thread_ts=interaction.thread_ts,
            author=author,
            text=words.strip(),
            files=len(message.get("files") or ()),
            link=link,
        )
        return isolation.isolate(session, desk.house, pointed, actor, now)

    await desk.act(answered, work)
