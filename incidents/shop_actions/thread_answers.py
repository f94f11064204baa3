"""Answers that come later than the press: said to the one who pressed, where the card stands.

Not in the thread: there the runbook says it anyway, and who pressed the card sees the channel.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from incidents import restoration
from incidents.change import Change
from plan.model import Action
from storage import outbox
from storage.models import ActionAttempt, SlackMessage

# Where the plan's own words say it whole ("Not switched: …").
_CODES = {
    "precondition": "precondition",
    "effect_failed": "effect_failed",
    restoration.AGAIN: "effect_failed",
}


def tell_failed(change: Change, action: Action, attempt: ActionAttempt) -> None:
    """Why nothing was done; nothing has changed."""
    code = _CODES.get((attempt.problem or "").partition(":")[0], "refused")
    say(
        change,
        attempt.requested_by,
        f"attempt-{attempt.id}",
        code,
        {"attempt": attempt.id, "action": action.id},
    )


def say(change: Change, person: str, mark: str, code: str, params: dict[str, Any]) -> None:
    """An ephemeral answer with references; `read.answers` fills in people and words."""
    audience = change.house.audience(change.incident.audience)
    if audience is None or person == "system":
        return
    card = change.session.scalar(
        select(SlackMessage).where(SlackMessage.key == f"{change.incident.reference}/card")
    )
    outbox.ephemeral(
        change.session,
        key=f"{change.incident.reference}/answer/{mark}",
        template="answer",
        person=person,
        channel=card.channel if card is not None and card.channel else audience.channel,
        params={"code": code, **params},
        incident=change.incident,
        now=change.now,
    )
