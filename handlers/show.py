"""Showing something to one reader: a card in their language, a review."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers import replies
from handlers.context import Desk
from handlers.registry import Interaction
from incidents import loading
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.read.lists import visible
from plan.languages import LANGUAGES
from storage import outbox
from storage.models import Incident, Status


def incident_id(session: Session, number: int) -> int | None:
    """The row of an incident's number."""
    return session.scalar(select(Incident.id).where(Incident.number == number))


def plan_hash_of(session: Session, number: int) -> str | None:
    """The version of the plan that an incident runs under, and that its forms are taken from."""
    return session.scalar(select(Incident.plan_hash).where(Incident.number == number))


def may_see(house: House, user_id: str, incident: Incident) -> bool:
    """A private incident is shown only to who works in its channel."""
    return visible(house, user_id, incident)


def _found(session: Session, house: House, user_id: str, number: int) -> Incident | None:
    incident = loading.incident_of(session, number)
    return incident if incident is not None and may_see(house, user_id, incident) else None


async def show_card(
    interaction: Interaction, desk: Desk, number: int, *, language: str | None = None
) -> None:
    """The card for this reader alone, in their own language or the one asked for."""

    def work(session: Session, now: datetime) -> Outcome:
        incident = _found(session, desk.house, interaction.user_id, number)
        if incident is None:
            return Outcome.refused("not_found", reference=f"INC-{number}")
        if language is not None and language not in LANGUAGES:
            return Outcome.refused("language_unknown")
        replies.say(session, interaction, "card", {}, now, incident=incident, language=language)
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)


async def send_review(interaction: Interaction, desk: Desk, number: int) -> None:
    """The review for this reader: its first screen here, the files by direct message."""

    def work(session: Session, now: datetime) -> Outcome:
        incident = _found(session, desk.house, interaction.user_id, number)
        if incident is None:
            return Outcome.refused("not_found", reference=f"INC-{number}")
        if incident.status not in (Status.RESOLVED, Status.REVIEWED):
            return Outcome.refused("no_review", reference=incident.reference)
        replies.say(session, interaction, "review", {}, now, incident=incident)
        outbox.file(
            session,
            key=f"{incident.reference}/review-for/{interaction.delivery}",
            template="review_files",
            incident=incident,
            person=interaction.user_id,
            now=now,
        )
        return Outcome.done(quiet=True)

    await desk.act(interaction, work)
