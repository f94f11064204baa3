"""Closing state: whether an action of the incident has not ended, what it will do is not known
yet.
"""

from __future__ import annotations

from sqlalchemy import select

from incidents import restoration
from incidents.change import Change
from incidents.runbooks.press_conflicts import PENDING
from storage.models import ActionAttempt

LEFT_TO_A_PERSON = ("person_decides", "not_verified", restoration.ASKED)


def pending(change: Change) -> bool:
    """An outcome that was left to a person to find out holds nothing up."""
    attempts = change.session.scalars(
        select(ActionAttempt.problem).where(
            ActionAttempt.incident_id == change.incident.id, ActionAttempt.state.in_(PENDING)
        )
    )
    return any(problem not in LEFT_TO_A_PERSON for problem in attempts)
