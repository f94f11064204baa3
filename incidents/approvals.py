"""A second person's yes or no to what is above a limit (3.4.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from incidents import internal, loading, people, requests, settlement
from incidents import scope as scopes
from incidents.change import Change
from incidents.house import Actor, House
from incidents.outcome import Outcome
from storage.models import ActionAttempt, AttemptState, Incident

_ROLES = frozenset({"approver", "managers"})


def decide(
    session: Session,
    house: House,
    attempt_id: int,
    actor: Actor,
    now: datetime,
    *,
    grant: bool,
) -> Outcome:
    """Grants or refuses one attempt that waits. Nobody decides on their own request."""
    attempt = session.get(ActionAttempt, attempt_id)
    if attempt is None:
        return Outcome.refused("approval_gone", actor=None)
    found = session.get_one(Incident, attempt.incident_id)
    incident = loading.incident_of(session, found.number, lock=True)
    if incident is None:
        return Outcome.refused("approval_gone", actor=None)
    session.refresh(attempt)
    change = Change(session, house, incident, actor, now)
    return replace(_decide(change, attempt, grant=grant), number=incident.number)


def _decide(change: Change, attempt: ActionAttempt, *, grant: bool) -> Outcome:
    action = change.plan.actions[attempt.action]
    if not change.actor.roles & _ROLES:
        change.audit("refused", "approve", result="refused", data={"attempt": attempt.key})
        on_call = people.people(change.session, requests.approvers(change, attempt)[:1])
        return Outcome.refused("no_right", role="approver", on_call=on_call, what=None)
    if attempt.state != AttemptState.AWAITING_APPROVAL:
        by = people.person(change.session, attempt.approved_by)
        return Outcome.refused("approval_gone", actor=by)
    if attempt.requested_by == change.actor.user_id:
        change.audit("refused", "approve", result="refused", data={"attempt": attempt.key})
        return Outcome.refused("approval_self")
    attempt.approved_by = change.actor.user_id
    data = {
        "attempt_id": attempt.id,
        "action": action.id,
        "scope": scopes.snapshot(change.scope(params=dict(attempt.params))),
    }
    change.moved()
    if grant:
        attempt.state = AttemptState.WRITTEN
        change.entry("approved", data)
        change.audit("approve", action.id, data={"attempt": attempt.key})
        if action.kind == "internal":
            internal.carry_out(change, action, attempt)
        else:
            requests.send(change, attempt)
    else:
        attempt.state = AttemptState.REFUSED
        attempt.problem = "approval_refused"
        attempt.settled_at = change.now
        change.entry("approval_refused", data)
        change.audit("refuse", action.id, data={"attempt": attempt.key})
    change.session.flush()
    settlement.settle_press(change, attempt.press)
    change.show()
    return Outcome.done("approved" if grant else "approval_refused")
