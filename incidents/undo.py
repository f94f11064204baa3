"""The way back: which done action of a step can be taken back, and what that means for the step."""

from __future__ import annotations

from sqlalchemy import select

from incidents import steps_done
from incidents.change import Change
from incidents.runbook import Place
from plan import expressions
from plan.model import Action
from storage.models import ActionAttempt, AttemptState, Status

_GONE = (AttemptState.FAILED, AttemptState.REFUSED)


def way_back(change: Change, place: Place) -> tuple[ActionAttempt, Action] | None:
    """The step's last done action with its undo; None where it was taken back already."""
    attempts = change.session.scalars(
        select(ActionAttempt)
        .where(
            ActionAttempt.run_id == place.run.id,
            ActionAttempt.step_id == place.plan.id,
            ActionAttempt.state == AttemptState.DONE,
            ActionAttempt.undoes_id.is_(None),
            ActionAttempt.case_id.is_(None),
        )
        .order_by(ActionAttempt.id.desc())
    ).all()
    for attempt in attempts:
        action = change.plan.actions.get(attempt.action)
        back = change.plan.actions.get(action.undo or "") if action is not None else None
        if action is None or back is None or _done_since(change, attempt, back):
            continue
        if action.undo_when is not None:
            seen = {**change.scope(), "params": dict(attempt.params)}
            if not expressions.holds(action.undo_when, seen):
                continue
        return attempt, back
    return None


def _done_since(change: Change, attempt: ActionAttempt, back: Action) -> bool:
    """Whether the way back was gone already, by its own button or as the answer to a question."""
    return (
        change.session.scalar(
            select(ActionAttempt.id)
            .where(
                ActionAttempt.incident_id == attempt.incident_id,
                ActionAttempt.id > attempt.id,
                ActionAttempt.action == back.id,
                ActionAttempt.state.not_in(_GONE),
            )
            .limit(1)
        )
        is not None
    )


def taken_back(change: Change, place: Place, attempt: ActionAttempt) -> None:
    """The step's effect is gone. If the fault is gone too, the step stays as it was done."""
    incident = change.incident
    place.row.figures = {**(place.row.figures or {}), "undone": attempt.undoes_id}
    if incident.recovered_at is not None:
        return
    steps_done.pending_again(incident, place.row)
    if place.run.state == "done":
        place.run.state, place.run.ended_at = "active", None
    if place.plan.mitigates and incident.status in (Status.MITIGATED, Status.MONITORING):
        incident.mitigated_at = None
        change.status(Status.ACKNOWLEDGED if incident.owner else Status.OPEN)
    elif incident.status == Status.MONITORING:
        change.status(Status.MITIGATED)
