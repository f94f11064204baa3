"""App Home: what is open, what is mine, what I have to do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from handlers import binding
from handlers.action_values import reference
from handlers.context import Desk
from handlers.declare import declare_form, open_complaint
from handlers.registry import Interaction, Registry
from handlers.show import show_card
from incidents.alerting import dead_letters
from incidents.lifecycle import follow_ups
from incidents.outcome import Outcome
from storage import outbox


def register(registry: Registry) -> None:
    registry.event("app_home_opened")(opened)
    registry.action("home.declare", opens=True)(declare)
    registry.action("home.complaint", opens=True)(complaint)
    registry.action("home.language")(language)
    registry.action("home.show")(show)
    registry.action("home.follow_up")(done)
    registry.action("home.retry")(retry)


async def opened(interaction: Interaction, desk: Desk) -> None:
    await _publish(interaction, desk)


async def _publish(interaction: Interaction, desk: Desk) -> None:
    def work(session: Session, now: datetime) -> Outcome:
        outbox.home(session, person=interaction.user_id, now=now)
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)


async def declare(interaction: Interaction, desk: Desk) -> None:
    await declare_form(interaction, desk, None)


async def complaint(interaction: Interaction, desk: Desk) -> None:
    await open_complaint(interaction, desk, order="")


async def language(interaction: Interaction, desk: Desk) -> None:
    """The person's own language, from now on."""
    await desk.people.choose_language(interaction.user_id, interaction.value)
    await _publish(interaction, desk)


async def show(interaction: Interaction, desk: Desk) -> None:
    number = reference(interaction.value)
    if number is None:
        await desk.say(interaction, "form_gone")
    else:
        await show_card(interaction, desk, number)


async def done(interaction: Interaction, desk: Desk) -> None:
    """A follow-up is done."""
    actor, item = desk.actor(interaction), int(interaction.value or 0)

    def work(session: Session, now: datetime) -> Outcome:
        outcome = _current(session, interaction) or follow_ups.done(
            session, desk.house, item, actor, now
        )
        outbox.home(session, person=interaction.user_id, now=now)
        return outcome

    await desk.act(interaction, work)


async def retry(interaction: Interaction, desk: Desk) -> None:
    """What was set aside is tried again: one item, or all of them."""
    actor, value = desk.actor(interaction), interaction.value
    ids = [int(value)] if value.isdigit() else None

    def work(session: Session, now: datetime) -> Outcome:
        outcome = _current(session, interaction) or dead_letters.retry(
            session, desk.house, actor, ids, now
        )
        outbox.home(session, person=interaction.user_id, now=now)
        return outcome

    await desk.act(interaction, work)


def _current(session: Session, interaction: Interaction) -> Outcome | None:
    """The refusal of a button that names a row of another database; App Home is drawn anew."""
    if binding.of_this_record(session, interaction):
        return None
    return Outcome.refused("other_home")
