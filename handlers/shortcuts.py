"""Shortcuts and reactions: what is said in a thread is kept in the incident's timeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.context import Desk
from handlers.declare import declare_form, open_complaint
from handlers.gate import judge
from handlers.registry import Asks, Interaction, Registry
from handlers.typed import Names, as_typed
from incidents import people
from incidents.alerting import dead_letters
from incidents.lifecycle import commands
from incidents.outcome import Outcome
from incidents.rights import Right
from storage.models import Incident, SlackMessage

PINS = ("pushpin", "round_pushpin")


def register(registry: Registry) -> None:
    noted = Asks("note")
    registry.shortcut("incident.declare", opens=True, asks=Asks(Right.DECLARE))(declare)
    registry.shortcut("incident.note", asks=noted)(note)
    registry.shortcut("complaint.create", opens=True, asks=Asks(Right.COMPLAINT))(complaint)
    registry.event("reaction_added", asks=replace(noted, late=True))(pinned)
    for name in ("channel_unarchive", "group_unarchive"):
        registry.event(name, asks=Asks(Right.NEWS))(unarchived)


async def declare(interaction: Interaction, desk: Desk) -> None:
    await declare_form(interaction, desk, None)


async def complaint(interaction: Interaction, desk: Desk) -> None:
    """A complaint with the message's words filled in."""
    words = await desk.read(lambda session: as_typed(interaction.text, _names(session)))
    await open_complaint(interaction, desk, order="", text=words[:2000])


async def note(interaction: Interaction, desk: Desk) -> None:
    """“Add to the incident” on a message in its thread."""
    await _keep(interaction, desk, interaction.text)


async def pinned(interaction: Interaction, desk: Desk) -> None:
    """📌 on a reply: its words are fetched, since the event does not carry them."""
    if interaction.payload.get("reaction") not in PINS or not interaction.channel_id:
        await desk.forget(interaction)
        return
    if interaction.message_ts is None:
        await desk.forget(interaction)
        return
    text = await desk.slack.message_text(interaction.channel_id, interaction.message_ts)
    if text is None:
        await desk.forget(interaction)
        return
    body, thread = text
    await _keep(interaction, desk, body, thread=thread)


async def unarchived(interaction: Interaction, desk: Desk) -> None:
    """A channel is open again: what could not be posted there is."""
    channel = str(interaction.channel_id)

    def work(session: Session, now: datetime) -> Outcome:
        dead_letters.channel_open_again(session, desk.house, channel, now)
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)


async def _keep(
    interaction: Interaction, desk: Desk, text: str, *, thread: str | None = None
) -> None:
    number = await desk.read(
        lambda session: incident_of_thread(
            session, interaction.channel_id, thread or interaction.thread_ts
        )
    )
    if number is None or not text.strip():
        if interaction.kind == "event":
            await desk.forget(interaction)
        else:
            await desk.say(interaction, "not_a_thread")
        return
    if not await judge(interaction, Asks("note", lambda _: number), desk):
        return
    actor = desk.actor(interaction)

    def work(session: Session, now: object) -> Outcome:
        words = as_typed(text, _names(session)).strip()[:3000]
        return commands.note(
            session,
            desk.house,
            number,
            actor,
            words,
            desk.clock.now(),
            in_thread=True,
            source=f"{interaction.channel_id}/{interaction.message_ts}",
        )

    await desk.act(interaction, work)


def _names(session: Session) -> Names:
    """What Slack's people are called; of whom nothing is known the id stays."""
    return lambda user_id: people.plain_name(session, user_id)


def incident_of_thread(session: Session, channel: str | None, thread_ts: str | None) -> int | None:
    """The incident whose card is the thread's root."""
    if channel is None or thread_ts is None:
        return None
    return session.scalar(
        select(Incident.number)
        .join(SlackMessage, SlackMessage.incident_id == Incident.id)
        .where(
            SlackMessage.channel == channel,
            SlackMessage.ts == thread_ts,
            SlackMessage.key.like("%/card"),
        )
        .limit(1)
    )
