"""What is said to the one who acted, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.packing import pack
from handlers.registry import Interaction
from incidents.outcome import Outcome
from storage import outbox
from storage.models import Incident


def tell(session: Session, interaction: Interaction, outcome: Outcome, now: datetime) -> None:
    """Enqueues the outcome's answer where the person acted, in the same transaction."""
    say(session, interaction, "answer", {"code": outcome.code, "params": outcome.params}, now)


def say(
    session: Session,
    interaction: Interaction,
    template: str,
    params: Mapping[str, Any],
    now: datetime,
    *,
    incident: Incident | None = None,
    language: str | None = None,
) -> None:
    """Enqueues a message for this one reader.

    In the channel where they pressed; behind a command through its response_url, which works in
    every conversation; else by direct message.
    """
    key = f"answer/{interaction.delivery}"
    packed = pack(dict(params))
    memory = interaction.memory
    channel = interaction.channel_id or memory.get("channel")
    thread = interaction.thread_ts or memory.get("thread")
    if interaction.response_url and interaction.kind == "command":
        outbox.respond(
            session,
            key=key,
            response_url=interaction.response_url,
            template=template,
            person=interaction.user_id,
            params=packed,
            incident=incident,
            language=language,
            now=now,
        )
    elif channel:
        outbox.ephemeral(
            session,
            key=key,
            template=template,
            person=interaction.user_id,
            channel=str(channel),
            thread_ts=str(thread) if thread else None,
            params=packed,
            incident=incident,
            language=language,
            now=now,
        )
    else:
        outbox.direct(
            session,
            key=key,
            template=template,
            person=interaction.user_id,
            incident=incident,
            params=packed,
            now=now,
        )
