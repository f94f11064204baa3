"""Restoration of the record: what it lacks since, and which presses are looked at and asked about
first (docs/decisions/0033).

A backup knows nothing of what was done after it. An action that somebody asks for may have been
done then, under a key that the record does not know either. So the first press of each action on an
incident that was restored sends nothing: the shop is looked at, and a person says whether it was
done. For a week more, and for incidents that were opened since, what can be seen to have been done
since then is asked about likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from actions.model import Doubt
from plan.model import Action
from storage.models import (
    ActionAttempt,
    AttemptState,
    Incident,
    Restoration,
    RestoredIncident,
)

LOOKING = "restored_look"  # nothing was sent: the shop is looked at
ASKED = "restored"  # … and a person says whether it was done
AGAIN = "restored_again"  # … and nothing was sent: whoever presses again has it done
NOT_DONE = "restored_not_done"  # a person said that it was not done
QUESTIONS = (ASKED, AGAIN)
CHANGING = frozenset({"mutate", "contact"})
_LOOKED_FOR = timedelta(days=7)
_THROUGH = (AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.DONE, AttemptState.FAILED)


def unconfirmed(session: Session, incident_id: int) -> list[RestoredIncident]:
    """The marks of the incident that nobody has confirmed yet."""
    return list(
        session.scalars(
            select(RestoredIncident).where(
                RestoredIncident.incident_id == incident_id,
                RestoredIncident.confirmed_at.is_(None),
            )
        )
    )


def reaches_to(session: Session, incident: Incident) -> datetime | None:
    """Up to when the incident's record reaches, where nobody has confirmed it yet."""
    return session.scalar(
        select(Restoration.reaches_to)
        .join(RestoredIncident, RestoredIncident.restoration_id == Restoration.id)
        .where(
            RestoredIncident.incident_id == incident.id,
            RestoredIncident.confirmed_at.is_(None),
        )
        .order_by(Restoration.reaches_to)
        .limit(1)
    )


def _recent(session: Session, now: datetime) -> datetime | None:
    """Up to when the record reaches by a restore of the last days."""
    return session.scalar(
        select(Restoration.reaches_to)
        .where(Restoration.restored_at > now - _LOOKED_FOR)
        .order_by(Restoration.reaches_to)
        .limit(1)
    )


@dataclass(frozen=True)
class FirstPress:
    """Of an action on an incident whose record nobody has confirmed: all of its cases but those
    that were looked at before."""

    since: datetime
    through: frozenset[int | None]

    def asks(self, case_id: int | None) -> bool:
        return case_id not in self.through


def first_press(
    session: Session, incident: Incident, action: Action, press: str
) -> FirstPress | None:
    """Whether a press of the action has to be asked about; None: the record is whole."""
    if action.kind not in CHANGING:
        return None
    since = reaches_to(session, incident)
    if since is None:
        return None
    return FirstPress(since, _through(session, incident, action.id, since, press))


def _through(
    session: Session, incident: Incident, action: str, since: datetime, press: str
) -> frozenset[int | None]:
    """The cases (None: the incident itself) with which the action went through since then."""
    went: ColumnElement[bool] = or_(
        ActionAttempt.state.in_(_THROUGH), ActionAttempt.problem == AGAIN
    )
    return frozenset(
        session.scalars(
            select(ActionAttempt.case_id).where(
                ActionAttempt.incident_id == incident.id,
                ActionAttempt.action == action,
                ActionAttempt.requested_at > since,
                ActionAttempt.press != press,
                went,
            )
        )
    )


def mark_looking(attempt: ActionAttempt) -> None:
    """It is never sent: the shop is looked at, and the person is asked."""
    attempt.state, attempt.problem = AttemptState.UNKNOWN, LOOKING


def doubt_of(
    session: Session, incident: Incident, attempt: ActionAttempt, action: Action
) -> Doubt | None:
    """What the runner has to look at before it does anything about the attempt."""
    if action.kind not in CHANGING:
        return None
    problem = ASKED if _has_step(attempt) else AGAIN
    if attempt.state == AttemptState.UNKNOWN and attempt.problem == LOOKING:
        since = reaches_to(session, incident) or _recent(session, attempt.requested_at)
        return Doubt(since or attempt.requested_at, problem, asks=True)
    if attempt.state != AttemptState.WRITTEN or action.earlier is None:
        return None
    since = _recent(session, attempt.requested_at)
    if since is None:
        return None
    if attempt.case_id in _through(session, incident, action.id, since, attempt.press):
        return None
    return Doubt(since, problem, asks=False)


def _has_step(attempt: ActionAttempt) -> bool:
    """Whether its step has the buttons by which a person says whether it was done."""
    return attempt.step_id is not None and attempt.undoes_id is None


def may_have_been_sent(session: Session, attempt: ActionAttempt) -> bool:
    """One that waited for approval when the record was restored: it may have been given since."""
    found = session.scalar(
        select(Restoration.id).where(Restoration.reaches_to >= attempt.requested_at).limit(1)
    )
    return found is not None


def seen(attempts: Sequence[ActionAttempt]) -> dict[str, Any]:
    """What the looks at all attempts of a press showed, as the words see it: `look`."""
    looks = [found for one in attempts if (found := _look(one))]
    items = [item for look in looks for item in look.get("found", ())]
    shows = [str(look.get("shows")) for look in looks]
    worst = next((one for one in ("found", "unseen", "no_look") if one in shows), "nothing")
    since = next((look.get("since") for look in looks), None)
    return {
        "since": since,
        "shows": worst,
        "found": items,
        "of": len(looks),
        "showing": shows.count("found"),
    }


def shows(attempt: ActionAttempt) -> bool:
    """Whether the shop showed it."""
    return _look(attempt).get("shows") == "found"


def taken_over(attempt: ActionAttempt) -> dict[str, Any]:
    """What the shop showed of it last, in the place of the answer that is not known."""
    found = [one for one in _look(attempt).get("found", ()) if isinstance(one, dict)]
    return {**(found[-1] if found else {}), "look": _look(attempt)}


def _look(attempt: ActionAttempt) -> dict[str, Any]:
    look = (attempt.response or {}).get("look")
    return look if isinstance(look, dict) else {}
