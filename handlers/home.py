"""App Home: what is open, what is mine, what I have to do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from handlers import binding
from handlers.action_values import reference, whole
from handlers.context import Desk
from handlers.declare import declare_form, open_complaint
from handlers.registry import Asks, Interaction, Registry
from handlers.show import show_card
from incidents.alerting import dead_letters
from incidents.lifecycle import follow_ups
from incidents.outcome import Outcome
from incidents.rights import Right
from plan.languages import LANGUAGES
from storage import outbox

ALL = "all"  # of what was set aside is tried again


_OTHER = "other_home"  # the list was drawn from another record


def register(registry: Registry) -> None:
    own = Asks(Right.OWN)
    registry.event("app_home_opened", asks=own)(opened)
    registry.action("home.declare", opens=True, asks=Asks(Right.DECLARE))(declare)
    registry.action("home.complaint", opens=True, asks=Asks(Right.COMPLAINT))(complaint)
    registry.action("home.language", asks=own)(language)
    registry.action("home.show", asks=Asks(Right.SHOW, _shown))(show)
    registry.action("home.follow_up", asks=Asks(Right.FOLLOW_UP))(done)
    registry.action("home.retry", asks=Asks(Right.RETRY))(retry)


def _shown(interaction: Interaction) -> int | None:
    return reference(interaction.value)


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
    if interaction.value not in LANGUAGES:
        await desk.say(interaction, "language_unknown")
        return
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
    actor, item = desk.actor(interaction), whole(interaction.value) or 0

    def work(session: Session, now: datetime) -> Outcome:
        outcome = _current(session, interaction) or follow_ups.done(
            session, desk.house, item, actor, now
        )
        if outcome.ok or outcome.code == _OTHER:
            outbox.home(session, person=interaction.user_id, now=now)
        return outcome

    await desk.act(interaction, work)


async def retry(interaction: Interaction, desk: Desk) -> None:
    """What was set aside is tried again: one item, or all of them."""
    actor, value = desk.actor(interaction), interaction.value
    one = whole(value)
    ids = None if value == ALL else [] if one is None else [one]

    def work(session: Session, now: datetime) -> Outcome:
        outcome = _current(session, interaction) or dead_letters.retry(
            session, desk.house, actor, ids, now
        )
        if outcome.ok or outcome.code == _OTHER:
            outbox.home(session, person=interaction.user_id, now=now)
        return outcome

    await desk.act(interaction, work)


def _current(session: Session, interaction: Interaction) -> Outcome | None:
    """The refusal of a button that names a row of another database; App Home is drawn anew."""
    if binding.of_this_record(session, interaction):
        return None
    return Outcome.refused(_OTHER)
