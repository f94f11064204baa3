"""Asking for approval: one request for a press, to one person, then to the deputy.

What the approver is shown is kept with the request and sealed together with the plan's version and
the state of the cases. Every copy of the message is drawn from it, so it turns for everybody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from incidents import change as changes
from incidents import people, restoration
from incidents import scope as scopes
from incidents.alerting import notifications, oncall
from incidents.alerting.escalation import URGENT, timer
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.outcome import Outcome
from incidents.shop_actions import approval_rules, spending
from incidents.shop_actions.approval_rules import Reason
from plan.model import Action
from storage.models import ActionAttempt, Approval, ApprovalState, AttemptState

ASKED = 2  # people, one after the other; then who asked is told that nobody decided


def approvers(change: Change, asker: str) -> tuple[str, ...]:
    """Who may approve: approvers, else managers; never who asked."""
    house, now = change.house, change.now
    chain = oncall.in_role(house, "approver", now) + oncall.in_role(house, "managers", now)
    return tuple(dict.fromkeys(one for one in chain if one != asker))


def hold_if_needed(
    change: Change, action: Action, attempts: Sequence[ActionAttempt]
) -> Outcome | Approval | None:
    """Lets the press wait where it breaks a limit; an Outcome: nobody there is may approve it.

    What it would move is kept in any case: later presses are held against it. Who calls has taken
    `spending.lock` where the action has a limit.
    """
    reasons = approval_rules.broken(change, action, attempts, change.now)
    people_asked = approvers(change, change.actor.user_id)
    if reasons and not people_asked:
        return Outcome.refused("approval_nobody", what=action.title, scope=change.scope)
    note_money(change, action, attempts)
    if not reasons:
        return None
    for attempt in attempts:
        attempt.state = AttemptState.AWAITING_APPROVAL
    return _ask(change, action, attempts, reasons)


def note_money(change: Change, action: Action, attempts: Sequence[ActionAttempt]) -> None:
    """What they would move counts against the action's limit, if they move it."""
    if action.approval_above is not None and action.kind != "internal":
        money = approval_rules.money_of(change, attempts)
        spending.note(change.session, action.approval_above, money, change.now)


def _ask(
    change: Change,
    action: Action,
    attempts: Sequence[ActionAttempt],
    reasons: Sequence[Reason],
) -> Approval:
    shown = approval_rules.picture(change, action, attempts, reasons)
    request = Approval(
        incident_id=change.incident.id,
        press=attempts[0].press,
        action=action.id,
        state=ApprovalState.WAITING,
        round=1,
        shown=shown,
        seal=_seal(change, shown, attempts),
        told=[],
        asked_by=attempts[0].requested_by,
        asked_at=change.now,
        expires_at=change.now,
    )
    change.session.add(request)
    change.session.flush()
    ask_next(change, request, attempts, first=True)
    return request


def adopt(change: Change, attempt: ActionAttempt) -> Approval:
    """Asks for a press that waits since before requests were kept."""
    waiting = change.session.scalars(
        select(ActionAttempt)
        .where(
            ActionAttempt.press == attempt.press,
            ActionAttempt.state == AttemptState.AWAITING_APPROVAL,
        )
        .order_by(ActionAttempt.id)
    ).all()
    action = change.plan.actions[attempt.action]
    reasons = approval_rules.broken(change, action, waiting, change.now)
    return _ask(change, action, waiting, reasons)


def ask_next(
    change: Change, request: Approval, attempts: Sequence[ActionAttempt], *, first: bool = False
) -> str | None:
    """Asks the next in line, and gives them their time. None: everybody was asked."""
    waiting = [one for one in approvers(change, request.asked_by) if one not in request.told]
    if not waiting or len(request.told) >= ASKED:
        return None
    person = waiting[0]
    request.told = [*request.told, person]
    _give_time(change, request)
    data = words(change, request, attempts[0]) | {"to": person}
    kind = "approval_asked" if first else "approval_passed_on"
    entry = change.entry(kind, data, actor=request.asked_by if first else None)
    change.audit(kind, request.action, data={"press": request.press, "to": person})
    notifications.announce(
        change,
        Event.APPROVAL,
        entry,
        people=(person,),
        params={"approval": request.id},
        mark=str(request.id),
    )
    show(change, request)
    return person


def _give_time(change: Change, request: Approval) -> None:
    urgent = change.incident.severity <= URGENT
    house = change.house
    within: timedelta = house.approval_within_urgent if urgent else house.approval_within
    request.expires_at = change.now + within
    mark = f"{request.id}/{request.round}/{len(request.told)}"
    timer(change, "approval_due", request.expires_at, key=mark, approval=request.id, mark=mark)


def is_due(request: Approval, mark: str) -> bool:
    """Whether this timer is the one that stands: asked anew or passed on, another one does."""
    return mark == f"{request.id}/{request.round}/{len(request.told)}"


def words(change: Change, request: Approval, attempt: ActionAttempt) -> dict[str, Any]:
    """The references and the snapshot of an approval's log line."""
    sums = request.shown.get("sums") or []
    return {
        "approval": request.id,
        "attempt_id": attempt.id,
        "press": request.press,
        "action": request.action,
        "who": request.asked_by,
        "amount": sums[0] if len(sums) == 1 else None,
        "orders": request.shown.get("cases"),
        "scope": scopes.snapshot(change.scope_with(params=dict(attempt.params))),
    }


def ask_anew(
    change: Change, request: Approval, action: Action, attempts: Sequence[ActionAttempt]
) -> None:
    """The same request with the facts of now: every copy shows them, with buttons of their own."""
    reasons = approval_rules.broken(change, action, attempts, request.asked_at)
    request.shown = approval_rules.picture(change, action, attempts, reasons)
    request.seal = _seal(change, request.shown, attempts)
    request.round += 1
    _give_time(change, request)
    change.entry("approval_anew", words(change, request, attempts[0]))
    change.audit("approval_anew", request.action, data={"press": request.press})
    show(change, request)


def stands(
    change: Change, request: Approval, action: Action, attempts: Sequence[ActionAttempt]
) -> bool:
    """Whether everything is still as it was shown."""
    reasons = approval_rules.broken(change, action, attempts, request.asked_at)
    shown = approval_rules.picture(change, action, attempts, reasons)
    return request.seal == _seal(change, shown, attempts)


def _seal(change: Change, shown: dict[str, Any], attempts: Sequence[ActionAttempt]) -> str:
    state = {
        "plan": change.incident.plan_hash,
        "section": change.incident.section,
        "severity": change.incident.severity,
        "shown": shown,
        "cases": approval_rules.states(change, attempts),
        "params": [attempt.params for attempt in attempts],
    }
    text = json.dumps(state, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def of_press(change: Change, press: str) -> Approval | None:
    """The request of a press, if it needed one."""
    return change.session.scalar(select(Approval).where(Approval.press == press))


def show(change: Change, request: Approval) -> None:
    """Brings every copy of the request up to date, without a ring."""
    for person in request.told:
        key = notifications.direct_key(change, person, Event.APPROVAL, str(request.id))
        changes.refresh(
            change.session,
            change.incident,
            key,
            "approval",
            change.now,
            params={"event": str(Event.APPROVAL), "approval": request.id},
        )


def answer(change: Change, action: Action, attempts: Sequence[ActionAttempt]) -> Outcome:
    """What who pressed is told: that it runs (the thread shows it), or whom it waits for."""
    ids = [attempt.id for attempt in attempts]
    if any(attempt.problem == restoration.LOOKING for attempt in attempts):
        since = restoration.reaches_to(change.session, change.incident)
        return Outcome.done("restored_looks", since=since, attempts=ids)
    request = of_press(change, attempts[0].press)
    if request is None or request.state != ApprovalState.WAITING:
        return Outcome.done("requested", quiet=True, attempts=ids)
    return Outcome.done(
        "approval_needed",
        what=action.title,
        scope=change.scope_with(params=dict(attempts[0].params)),
        who=people.people(change.session, request.told),
        until=request.expires_at,
        attempts=ids,
    )
