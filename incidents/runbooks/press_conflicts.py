"""Answers to who pressed too late, twice, or on an old card: who did it, and when."""

from __future__ import annotations

from sqlalchemy import select

from incidents import people, timeline
from incidents.change import Change
from incidents.outcome import Outcome
from incidents.runbooks.places import Place
from plan.model import Action, Button
from storage.models import ActionAttempt, AttemptState, Status, StepState

PENDING = (
    AttemptState.AWAITING_APPROVAL,
    AttemptState.WRITTEN,
    AttemptState.SENT,
    AttemptState.UNKNOWN,
)


def in_the_way(
    change: Change, place: Place, button: Button | None = None, drawn: int | None = None
) -> Outcome | None:
    """The answer where the step cannot be done any more, or not now. `drawn`: the version that the
    button was drawn for, where it is pressed and not sent with a form."""
    refused = not_live(change) or running(change, place) or settled(change, place)
    if refused is not None or button is None or drawn is None:
        return refused
    return by_somebody_before(change, button, drawn) or stale(change, drawn)


def not_live(change: Change) -> Outcome | None:
    """The answer where the incident is over."""
    incident = change.incident
    if incident.live:
        return None
    if incident.status == Status.MERGED and incident.merged_into is not None:
        into = change.session.get_one(type(incident), incident.merged_into)
        return Outcome.refused("merged", reference=incident.reference, into=into.reference)
    return Outcome.refused("not_live", reference=incident.reference, status=str(incident.status))


def stale(change: Change, version: int) -> Outcome | None:
    """The answer where the button was drawn for an earlier version (rule 5)."""
    if version == change.incident.version:
        return None
    moved = timeline.change_before(change.session, change.incident, version)
    return Outcome.refused(
        "stale",
        at=timeline.drawn_at(change.session, change.incident, version),
        actor=people.person(change.session, moved.actor) if moved is not None else None,
        since=moved.at if moved is not None else None,
    )


def running(change: Change, place: Place) -> Outcome | None:
    """The answer where the step's action is on its way: nothing is sent twice."""
    if not place.under_way:
        return None
    attempt = last_attempt(change, place)
    if attempt is None:
        return Outcome.refused("step_running", at=place.row.started_at)
    action = change.plan.actions.get(attempt.action)
    return Outcome.refused(
        "already_running",
        actor=people.person(change.session, attempt.requested_by),
        what=action.title if action else None,
        doing=action.doing if action else None,
        scope=change.scope_with(params=dict(attempt.params)),
        at=attempt.requested_at,
    )


def settled(change: Change, place: Place) -> Outcome | None:
    """The answer where somebody did the step before."""
    if not place.settled or place.plan.repeats:
        return None
    if place.row.state == StepState.DONE:
        return Outcome.refused(
            "already_done",
            actor=people.person(change.session, place.row.actor),
            at=place.row.at,
        )
    return Outcome.refused("step_settled", state=str(place.row.state))


def last_attempt(change: Change, place: Place) -> ActionAttempt | None:
    return change.session.scalar(
        select(ActionAttempt)
        .where(ActionAttempt.run_id == place.run.id, ActionAttempt.step_id == place.plan.id)
        .order_by(ActionAttempt.id.desc())
        .limit(1)
    )


def by_somebody_before(change: Change, button: Button, version: int) -> Outcome | None:
    """The answer where the button's action was asked for after the card was drawn."""
    if button.action is None:
        return None
    since = timeline.drawn_at(change.session, change.incident, version)
    attempt = change.session.scalar(
        select(ActionAttempt)
        .where(
            ActionAttempt.incident_id == change.incident.id,
            ActionAttempt.action == button.action,
            ActionAttempt.requested_at >= since,
            ActionAttempt.state.in_((*PENDING, AttemptState.DONE)),
        )
        .order_by(ActionAttempt.id.desc())
        .limit(1)
    )
    if attempt is None or version == change.incident.version:
        return None
    return _asked_before(change, attempt, change.plan.actions[button.action])


def _asked_before(change: Change, attempt: ActionAttempt, action: Action) -> Outcome:
    actor = people.person(change.session, attempt.requested_by)
    if attempt.state == AttemptState.DONE:
        return Outcome.refused("already_done", actor=actor, at=attempt.requested_at)
    return Outcome.refused(
        "already_running",
        actor=actor,
        what=action.title,
        doing=action.doing,
        scope=change.scope_with(params=dict(attempt.params)),
        at=attempt.requested_at,
    )
