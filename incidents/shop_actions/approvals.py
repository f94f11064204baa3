"""Approvals: a second person's yes or no to a press, and what happens when nobody decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import authorise, loading, people, restoration
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.runbooks.places import Place
from incidents.shop_actions import action_outcomes, approval_requests, requests, told_orders
from storage.models import ActionAttempt, Approval, ApprovalState, AttemptState, Incident
from storage.restore_marks import MAY_BE_SENT


def decide(
    session: Session,
    house: House,
    approval_id: int,
    actor: Actor,
    now: datetime,
    *,
    grant: bool,
    drawn: int,
    number: int | None = None,
) -> Outcome:
    """Grants or refuses a press that waits. Nobody decides on their own request.

    `drawn`: the round of the message that was pressed; one that was drawn before the facts changed
    decides nothing. `number`: the incident that the button names; of another's it decides nothing.
    """
    if not drawn:
        return _before_requests(session, house, approval_id, actor, now)
    request = session.get(Approval, approval_id)
    if request is None:
        return Outcome.refused("approval_gone", actor=None)
    found = session.get_one(Incident, request.incident_id)
    if number not in (None, found.number):
        return Outcome.refused("approval_gone", actor=None)
    incident = loading.incident_of(session, found.number, lock=True)
    if incident is None:
        return Outcome.refused("approval_gone", actor=None)
    session.refresh(request)
    change = Change(session, house, incident, actor, now)
    outcome = _refused(change, request) or _decide(change, request, grant=grant, drawn=drawn)
    return replace(outcome, number=incident.number)


def _before_requests(
    session: Session, house: House, attempt_id: int, actor: Actor, now: datetime
) -> Outcome:
    """A button of a version that asked for one attempt alone: its press is asked for as a whole."""
    attempt = session.get(ActionAttempt, attempt_id)
    if attempt is None:
        return Outcome.refused("approval_gone", actor=None)
    found = session.get_one(Incident, attempt.incident_id)
    incident = loading.incident_of(session, found.number, lock=True)
    session.refresh(attempt)
    if incident is None or attempt.state != AttemptState.AWAITING_APPROVAL:
        by = people.person(session, attempt.approved_by)
        return Outcome.refused("approval_gone", actor=by)
    change = Change(session, house, incident, actor, now)
    may_not = authorise.refuse_approval(
        change, attempt.press, approval_requests.approvers(change, attempt.requested_by)
    )
    if may_not is not None:
        return replace(may_not, number=incident.number)
    if approval_requests.of_press(change, attempt.press) is None:
        approval_requests.adopt(change, attempt)
    return Outcome(False, "approval_changed", number=incident.number)


def _refused(change: Change, request: Approval) -> Outcome | None:
    may_not = authorise.refuse_approval(
        change, request.press, approval_requests.approvers(change, request.asked_by)
    )
    if may_not is not None:
        return may_not
    if request.state != ApprovalState.WAITING:
        by = people.person(change.session, request.decided_by)
        return Outcome.refused("approval_gone", actor=by)
    if request.asked_by == change.actor.user_id:
        change.audit("refused", "approve", result="refused", data={"press": request.press})
        return Outcome(False, "approval_self", noted=True)
    return None


def _decide(change: Change, request: Approval, *, grant: bool, drawn: int) -> Outcome:
    waiting = _waiting(change, request)
    if not change.incident.live or not waiting:
        _end(change, request, waiting, ApprovalState.WITHDRAWN)
        return Outcome.refused("approval_void")
    if not grant:
        _end(change, request, waiting, ApprovalState.REFUSED)
        return Outcome.done("approval_refused")
    left = _as_they_are_now(change, request, waiting)
    if not left:
        _end(change, request, waiting, ApprovalState.WITHDRAWN)
        return Outcome.refused("approval_void")
    action = change.plan.actions[request.action]
    if not approval_requests.stands(change, request, action, left):
        approval_requests.ask_anew(change, request, action, left)
        action_outcomes.settle_press(change, request.press)
        change.show()
        return Outcome.refused("approval_changed")
    if drawn != request.round:
        return Outcome.refused("approval_changed")
    _grant(change, request, left)
    return Outcome.done("approved")


def _waiting(change: Change, request: Approval) -> list[ActionAttempt]:
    return list(
        change.session.scalars(
            select(ActionAttempt)
            .where(
                ActionAttempt.press == request.press,
                ActionAttempt.state == AttemptState.AWAITING_APPROVAL,
            )
            .order_by(ActionAttempt.id)
        )
    )


def _as_they_are_now(
    change: Change, request: Approval, waiting: Sequence[ActionAttempt]
) -> list[ActionAttempt]:
    """The attempts with the facts of now; what no longer holds is ended, nothing was sent."""
    action = change.plan.actions.get(request.action)
    place, still_there = _place(change, waiting[0])
    if action is None or not still_there:
        return []
    gone = requests.fill_again(change, action, waiting, place)
    if len(gone) < len(waiting):
        _stop(change, gone, "approval_void")
    return [one for one in waiting if one not in gone]


def _place(change: Change, attempt: ActionAttempt) -> tuple[Place | None, bool]:
    """The step that it was asked for, and whether that is still worked on."""
    if attempt.step_id is None:
        return None, True
    found = change.place(attempt.step_id)
    there = found is not None and found.run.id == attempt.run_id
    return found if there else None, there


def _grant(change: Change, request: Approval, attempts: Sequence[ActionAttempt]) -> None:
    """It is sent, with both names in the thread."""
    action = change.plan.actions[request.action]
    request.state = ApprovalState.GRANTED
    request.decided_by, request.decided_at = change.actor.user_id, change.now
    for attempt in attempts:
        attempt.approved_by = change.actor.user_id
        attempt.state = AttemptState.WRITTEN
        if restoration.may_have_been_sent(change.session, attempt):
            # Its key is known: the shop is asked whether it was, before it is sent.
            attempt.state, attempt.sent_at = AttemptState.SENT, change.now
            attempt.problem = MAY_BE_SENT
        requests.carry_out(change, action, attempt)
    change.moved()
    change.audit("approve", action.id, data={"press": request.press})
    _tell(change, request, attempts, "approved")
    action_outcomes.settle_press(change, request.press)
    approval_requests.show(change, request)
    change.show()


_ENTRIES = {
    ApprovalState.REFUSED: "approval_refused",
    ApprovalState.EXPIRED: "approval_expired",
    ApprovalState.WITHDRAWN: "approval_void",
}


def _end(
    change: Change,
    request: Approval,
    waiting: Sequence[ActionAttempt],
    state: ApprovalState,
) -> None:
    """Nothing is sent: the step is open again, and who asked hears it."""
    code = _ENTRIES[state]
    by_person = state is ApprovalState.REFUSED
    request.state = state
    request.decided_by = change.actor.user_id if by_person else None
    request.decided_at = change.now
    _stop(change, waiting, code)
    change.moved()
    change.audit("refuse" if by_person else code, request.action, data={"press": request.press})
    if waiting:
        _tell(change, request, waiting, code)
        action_outcomes.settle_press(change, request.press)
    approval_requests.show(change, request)
    change.show()


def _stop(change: Change, attempts: Sequence[ActionAttempt], problem: str) -> None:
    for attempt in attempts:
        attempt.state = AttemptState.REFUSED
        attempt.problem = problem
        attempt.settled_at = change.now
        told_orders.follow(change.session, attempt, change.now)
    change.session.flush()


def _tell(change: Change, request: Approval, attempts: Sequence[ActionAttempt], kind: str) -> None:
    """The thread names both; who asked hears it by direct message."""
    data = approval_requests.words(change, request, attempts[0])
    entry = change.entry(kind, data)
    notifications.announce(
        change,
        Event.DECIDED,
        entry,
        people=(request.asked_by,),
        params={"approval": request.id, "why": kind},
        mark=str(request.id),
    )


def due(change: Change, approval_id: int, mark: str) -> None:
    """Nobody has decided in time: it goes to the deputy; after two, who asked is told."""
    request = change.session.get(Approval, approval_id)
    if request is None or request.state != ApprovalState.WAITING:
        return
    if not approval_requests.is_due(request, mark):
        return
    waiting = _waiting(change, request)
    if not waiting or not change.incident.live:
        _end(change, request, waiting, ApprovalState.WITHDRAWN)
        return
    if approval_requests.ask_next(change, request, waiting) is None:
        _end(change, request, waiting, ApprovalState.EXPIRED)
    else:
        change.show()
