"""Undo: the way back, which done action of a step can be taken back, and what that means for the
step.
"""

from __future__ import annotations

from sqlalchemy import select

from incidents.change import Change
from incidents.detection import relapse
from incidents.runbooks import step_completion
from incidents.runbooks.places import Place
from incidents.shop_actions import effects
from plan import expressions
from plan.model import Action
from storage.models import ActionAttempt, AttemptState, StepState

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
            seen = {**change.scope, "params": dict(attempt.params)}
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


def taken_back(change: Change, place: Place | None, attempt: ActionAttempt) -> bool:
    """Ends the effects that the action is the way back of: their steps are to do again, also while
    the fault is gone, since it may come back. Whether anything was taken back."""
    gone = effects.taken_back(change, attempt.action)
    for effect in gone:
        step = effects.place_of(change, effect)
        if step is not None:
            step.row.figures = {**(step.row.figures or {}), "undone": attempt.undoes_id}
    relapse.lost(change, gone, problem=None)
    undone = place is not None and attempt.undoes_id is not None
    if undone and place is not None and place.row.state == StepState.DONE:
        place.row.figures = {**(place.row.figures or {}), "undone": attempt.undoes_id}
        step_completion.open_again(change, place)
    if gone or undone:
        change.incident.fails_beside = False
        relapse.consider(change)
    return bool(gone)
