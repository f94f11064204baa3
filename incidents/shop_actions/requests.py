"""Requests: asking for an action, its attempts are written down before anything is tried (rule
6).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidents import case_totals, restoration
from incidents.alerting.escalation import timer
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.outcome import Outcome
from incidents.runbooks import runbook
from incidents.runbooks.places import Place
from incidents.shop_actions import (
    approval_requests,
    customer_messages,
    internal_actions,
    spending,
    told_orders,
)
from plan import expressions
from plan.expressions import ExpressionError
from plan.model import Action
from storage import work
from storage.models import ActionAttempt, AttemptState, WorkKind


@dataclass(frozen=True)
class Wish:
    """One press: which action, for which step or question, with what was entered."""

    action: Action
    place: Place | None = None
    button: str | None = None
    params: Mapping[str, str] | None = None  # templates of the button, over the action's own
    form: Mapping[str, Any] | None = None
    undoes: ActionAttempt | None = None
    press: str | None = None  # of the press that this one goes on from (Action.then)
    approved_by: str | None = None  # … and who approved that: its confirmation spoke of both
    only: frozenset[int] | None = None  # ids of cases: of the press that this one goes on from
    upto: int | None = None  # the newest case that the person was shown before sending


def request_action(change: Change, wish: Wish) -> Outcome | list[ActionAttempt]:
    """Writes the attempts of a press down and hands them to the runner.

    An Outcome is a refusal: nothing was written. A case whose parameters cannot be filled, because
    a fact is missing, is left out.
    """
    session, incident, action = change.session, change.incident, wish.action
    if action.approval_above is not None:
        spending.lock(session)  # before the claims, which another press may wait for
    cases = case_totals.read_cases(session, incident.id)
    seen = change.scope_with(form=dict(wish.form or {}))
    groups = _groups(action, _ready(change, action, wish.place, _wished(wish, cases), seen), seen)
    if not groups:
        return Outcome.refused("nothing_to_do")
    claims = _claims(change, action, groups, seen)
    groups = _not_told(action, groups, claims)
    if not groups:
        return Outcome.refused("told_already")
    press = wish.press or secrets.token_hex(8)
    attempts: list[ActionAttempt] = []
    made_for: dict[int, ActionAttempt] = {}
    undone = _undone(wish.undoes)
    first = restoration.first_press(session, incident, action, press)
    aim = case_totals.target([one for many in groups for one in many])
    for group in groups:
        scope = {**seen, **undone}
        if group:
            scope |= _of_group(group, aim)
        try:
            scope |= _letter(change, action, scope)
            params, hidden = _params(wish, scope)
        except ExpressionError as error:
            if action.cases is None:
                told_orders.give(session, dict.fromkeys(claims.values()))
                return Outcome.refused("fact_missing", fact=_name(error))
            continue
        attempt = _write(change, wish, press, params, group)
        attempt.hidden = hidden
        if first is not None and first.asks(attempt.case_id):
            restoration.mark_looking(attempt)
        attempts.append(attempt)
        made_for |= {claims[key]: attempt for key in _orders(action, group, seen) if key in claims}
    session.flush()
    told_orders.give(
        session, {c: made_for[c].id if c in made_for else None for c in claims.values()}
    )
    if not attempts:
        return Outcome.refused("nothing_to_do")
    refused = _hold(change, wish, attempts)
    if refused is not None:
        told_orders.give(session, dict.fromkeys(claims.values()))
        for attempt in attempts:
            session.delete(attempt)
        session.flush()
        return refused
    for attempt in attempts:
        carry_out(change, action, attempt)
    change.audit(
        "request",
        action.id,
        data={
            "press": press,
            "attempts": [attempt.key for attempt in attempts],
            "step": wish.place.plan.id if wish.place else None,
            "undoes": wish.undoes.key if wish.undoes else None,
        },
    )
    return attempts


def fill_again(
    change: Change, action: Action, attempts: Sequence[ActionAttempt], place: Place | None
) -> list[ActionAttempt]:
    """Fills waiting attempts with the facts of now; those that no longer reach their cases."""
    seen: dict[str, tuple[dict[str, Any], tuple[CaseLine, ...]]] = {}  # by what was entered
    cases = change.cases
    gone: list[ActionAttempt] = []
    for attempt in attempts:
        kept = attempt.hidden or {}
        form = {**kept.get("form", {}), **kept.get("said", {})}
        undone = change.session.get(ActionAttempt, attempt.undoes_id or 0)
        entered = json.dumps(form, sort_keys=True, default=str)
        if entered not in seen:
            now = change.scope_with(form=form)
            can = _ready(change, action, place, cases, now)
            seen[entered] = now, case_totals.meant(action, can, now)  # its own claims stand
        facts, reached = seen[entered]
        scope = {**facts, **_undone(undone)}
        if action.cases is not None:
            group = [case for case in reached if case.id in set(map(int, attempt.covers or ()))]
            if len(group) < len(attempt.covers or ()):
                gone.append(attempt)
                continue
            scope |= _of_group(group, case_totals.target(reached))
        wish = Wish(action, place, attempt.button, _templates(attempt, place), form)
        try:
            scope |= _letter(change, action, scope)
            params, hidden = _params(wish, scope)
        except ExpressionError:
            gone.append(attempt)
            continue
        if params != attempt.params:
            attempt.params = params
            attempt.hidden = {**(hidden or {}), "templates": dict(wish.params or {})}
    return gone


def _templates(attempt: ActionAttempt, place: Place | None) -> Mapping[str, str] | None:
    """What its press was to fill in, over the action's own: kept with it since it waits.

    One that waits since before they were kept: those of the step's button.
    """
    kept = (attempt.hidden or {}).get("templates")
    if kept is not None:
        return dict(kept)
    buttons = place.plan.buttons if place is not None else ()
    button = next((one for one in buttons if one.id == attempt.button), None)
    return button.params if button is not None else None


def _of_group(group: Sequence[CaseLine], aim: Mapping[str, Any]) -> dict[str, Any]:
    """What the parameters of one attempt see of the cases that it stands for, and of them all."""
    return {
        "case": group[0].scope(),
        "group": [one.scope() for one in group],
        "target": aim,
    }


def _name(error: ExpressionError) -> str:
    """The fact that is missing: the message quotes it."""
    found = re.search("“(.+?)”", str(error))
    return found[1] if found else str(error)


def _undone(attempt: ActionAttempt | None) -> dict[str, Any]:
    """What an undo sees of the attempt that it takes back."""
    if attempt is None:
        return {}
    return {
        "params": dict(attempt.params),
        "before": dict(attempt.before or {}),
        "after": dict(attempt.after or {}),
        "response": dict(attempt.response or {}),
    }


def fill_params(templates: Mapping[str, str], scope: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an attempt. Raises ExpressionError where a fact is missing."""
    return {name: expressions.value(template, scope) for name, template in templates.items()}


def _params(wish: Wish, scope: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The parameters, and apart from them those that hold what a person typed.

    Raises ExpressionError where a fact is missing.
    """
    form = wish.action.form or (wish.place.plan.form if wish.place else None)
    personal = {one.id for one in form.fields if one.personal} if form else set()
    templates = {**wish.action.params, **(wish.params or {})}
    secret = {
        name
        for name, template in templates.items()
        if any(re.search(rf"\bform\.{field}\b", template) for field in personal)
    }
    params = fill_params({k: v for k, v in templates.items() if k not in secret}, scope)
    if not secret and not wish.form:
        return params, None
    hidden = fill_params({k: v for k, v in templates.items() if k in secret}, scope)
    plain = {name: value for name, value in (wish.form or {}).items() if name not in personal}
    said = {name: value for name, value in (wish.form or {}).items() if name in personal}
    return params, {"params": hidden, "form": plain, "said": said}


def _groups(
    action: Action, cases: Sequence[CaseLine], scope: Mapping[str, Any]
) -> list[tuple[CaseLine, ...]]:
    """One attempt each: for nothing in particular, for a case, or for a customer's cases."""
    if action.cases is None:
        return [()]
    reached = case_totals.reached(action, cases, scope)
    if not action.once_per_customer:
        return [(case,) for case in reached]
    by_customer: dict[str, list[CaseLine]] = {}
    for case in reached:
        by_customer.setdefault(case.customer, []).append(case)
    return [tuple(group) for group in by_customer.values()]


def _wished(wish: Wish, cases: Sequence[CaseLine]) -> Sequence[CaseLine]:
    """The cases that the press may reach: those of the chain, or those that were shown."""
    return [
        case
        for case in cases
        if (wish.only is None or case.id in wish.only)
        and (wish.upto is None or case.id <= wish.upto)
    ]


def _ready(
    change: Change,
    action: Action,
    place: Place | None,
    cases: Sequence[CaseLine],
    seen: Mapping[str, Any],
) -> Sequence[CaseLine]:
    """Without those of which an earlier step still asks."""
    return cases if place is None else runbook.ready(change.plan, place.plan, action, cases, seen)


def _orders(action: Action, group: Sequence[CaseLine], scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The orders that a message is about: those of its cases, or the one that it names."""
    if action.tells is None:
        return ()
    if action.cases is not None:
        return tuple(case.key for case in group)
    try:
        return (str(expressions.fill(action.params.get("order", ""), scope)).strip(),)
    except ExpressionError:
        return ()


def _claims(
    change: Change,
    action: Action,
    groups: Sequence[Sequence[CaseLine]],
    seen: Mapping[str, Any],
) -> dict[str, int]:
    """The claims on what each order is told; once per order and kind, in whichever incident."""
    if action.tells is None:
        return {}
    told_of: dict[str, Mapping[str, Any]] = {}  # by order, what the kind of message is read from
    for group in groups:
        told_of |= {case.key: {**seen, "case": case.scope()} for case in group}
        if not group:
            told_of |= {key: seen for key in _orders(action, group, seen) if key}
    return told_orders.claim(change.session, change.incident, action, told_of, change.now)


def _not_told(
    action: Action, groups: Sequence[tuple[CaseLine, ...]], claims: Mapping[str, int]
) -> list[tuple[CaseLine, ...]]:
    """The groups with the cases alone that were claimed."""
    if action.tells is None:
        return list(groups)
    if action.cases is None:
        return list(groups) if claims else []
    kept = [tuple(case for case in group if case.key in claims) for group in groups]
    return [group for group in kept if group]


def _letter(change: Change, action: Action, scope: Mapping[str, Any]) -> dict[str, Any]:
    """What the parameters see as `message`. Raises ExpressionError where a fact is missing."""
    if action.message is None or not scope.get("group"):
        return {}
    kind = told_orders.kind_of(action, scope) or action.id
    language = change.house.customer_language
    letter = customer_messages.write(action.message, kind, scope["group"], scope, language)
    return {"message": letter.scope()}


def _write(
    change: Change, wish: Wish, press: str, params: dict[str, Any], group: Sequence[CaseLine]
) -> ActionAttempt:
    attempt = ActionAttempt(
        # Random, because a shop remembers keys for longer than a database may live.
        key=f"{change.incident.reference}-{secrets.token_hex(12)}",
        incident_id=change.incident.id,
        run_id=wish.place.run.id if wish.place else None,
        step_id=wish.place.plan.id if wish.place else None,
        button=wish.button,
        press=press,
        case_id=group[0].id if group else None,
        covers=[case.id for case in group] or None,
        action=wish.action.id,
        params=params,
        state=AttemptState.WRITTEN,
        requested_by=change.actor.user_id,
        requested_at=change.now,
        undoes_id=wish.undoes.id if wish.undoes else None,
        looks=0,
    )
    change.session.add(attempt)
    return attempt


def _hold(change: Change, wish: Wish, attempts: Sequence[ActionAttempt]) -> Outcome | None:
    """Lets the press wait for a second person where it needs one (decision 6)."""
    action = wish.action
    looked_at = [one for one in attempts if one.problem == restoration.LOOKING]
    if looked_at:  # they are not sent; what a person says was done has moved its money
        approval_requests.note_money(change, action, looked_at)
        attempts = [one for one in attempts if one not in looked_at]
        if not attempts:
            return None
    if (
        wish.approved_by is not None
        and action.approval_above is None
        and not action.approval_always
    ):
        for attempt in attempts:
            attempt.approved_by = wish.approved_by
        return None
    found = approval_requests.hold_if_needed(change, action, attempts)
    if isinstance(found, Outcome):
        return found
    if found is not None:  # it is filled again with the facts of the moment of the decision
        for attempt in attempts:
            attempt.hidden = {**(attempt.hidden or {}), "templates": dict(wish.params or {})}
    return None


def carry_out(change: Change, action: Action, attempt: ActionAttempt) -> None:
    """To the runner, or done here where it needs no shop. What waits for approval stays."""
    if attempt.state == AttemptState.AWAITING_APPROVAL:
        return
    if action.kind == "internal":
        internal_actions.carry_out(change, action, attempt)
    else:
        send(change, attempt)


def send(change: Change, attempt: ActionAttempt) -> None:
    """Attempts for different cases go side by side; all others of an incident go in order."""
    reference = change.incident.reference
    order = f"attempt:{reference}"
    work.enqueue(
        change.session,
        kind=WorkKind.ACTION,
        key=f"attempt/{attempt.key}",
        payload={"attempt": attempt.id},
        order_key=order if attempt.case_id is None else f"{order}/{attempt.case_id}",
        priority=1,
        due=change.now,
        now=change.now,
    )


def watch_unknown(change: Change, attempt: ActionAttempt) -> None:
    """If it is still unknown after a minute, the owner is rung."""
    due = change.now + change.house.unknown_rings_after
    since = change.now.isoformat()
    timer(change, "unknown_ring", due, key=attempt.press, press=attempt.press, since=since)
