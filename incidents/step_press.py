"""A press on a step: authorised, checked against the version and the order, then carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import authorise, loading
from incidents import scope as scopes
from incidents.alerting.escalation import timer
from incidents.change import Change
from incidents.lifecycle import ownership
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.runbooks import (
    by_hand,
    follow_up_prompts,
    forms,
    press_conflicts,
    runbook,
    step_completion,
    step_records,
    undo,
)
from incidents.runbooks.places import Place
from incidents.shop_actions import action_outcomes, approval_requests, manual_verification, requests
from incidents.shop_actions.requests import Wish
from plan import step_buttons
from plan.model import Action, Branch, Button
from plan.step_buttons import StepButton
from storage.models import StepState

UNDO = "undo"
SKIP = "skip"


@dataclass(frozen=True)
class Press:
    """What a button or a form's submission says: which incident, for which version, by whom."""

    number: int
    version: int
    step_id: str
    button_id: str
    actor: Actor
    values: Mapping[str, Any] | None = None  # the form, where one was filled in
    sequence: int | None = None  # of the log line that asked, for `answer_question`
    extra: Mapping[str, Any] = field(default_factory=dict)


def press(session: Session, house: House, wish: Press, now: datetime) -> Outcome:
    """Carries the press out, or says why not. What is refused changes nothing."""
    incident = loading.incident_of(session, wish.number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{wish.number}")
    change = Change(session, house, incident, wish.actor, now)
    outcome = _pressed(change, wish)
    return replace(outcome, number=incident.number)


def _pressed(change: Change, wish: Press) -> Outcome:
    place = change.place(wish.step_id)
    if place is None:
        return Outcome.refused("not_offered")
    if wish.button_id == SKIP:
        return _skip(change, place, wish)
    if wish.button_id == by_hand.BY_HAND:
        return by_hand.record(change, place, wish.values)
    if wish.button_id == UNDO:
        return _undo(change, place, wish)
    if wish.button_id in manual_verification.BUTTONS:
        return _seen_by_a_person(change, place, wish)
    found = step_buttons.of_step(change.plan, place.plan, wish.button_id)
    if found is None:
        return Outcome.refused("not_offered")
    # A form may be sent later than it was opened: its step decides, not the version.
    drawn = wish.version if wish.values is None else None
    return (
        authorise.refuse_button(change, found)
        or press_conflicts.in_the_way(change, place, found.button, drawn)
        or _order(change, place, found.action)
        or _do(change, place, found, wish)
    )


def _seen_by_a_person(change: Change, place: Place, wish: Press) -> Outcome:
    """Whether an action happened that cannot be asked about: a person looked and says so."""
    left = manual_verification.left_to_a_person(change, place)
    if not left:
        return Outcome.refused("not_offered")
    refused = (
        authorise.refuse_action(change, change.plan.actions[left[0].action])
        or press_conflicts.not_live(change)
        or press_conflicts.stale(change, wish.version)
    )
    if refused is not None:
        return refused
    manual_verification.decide(
        change, left, happened=wish.button_id == manual_verification.HAPPENED
    )
    return Outcome.done(quiet=True)


def _order(change: Change, place: Place, action: Action | None) -> Outcome | None:
    """What must come first: the section's order, a step's needs, verification (1.2.2)."""
    steps = change.places(place.run)
    seen = change.scope
    missing = runbook.missing(steps, place, seen)
    if missing is not None:
        return Outcome.refused(missing.why, first=missing.place.plan.title, scope=seen)
    if change.kind.verify_first and action is not None and action.kind == "mutate":
        checks = [one for one in steps if one.plan.kind == "verify"]
        if checks and not any(one.settled for one in checks):
            return Outcome.refused("order_rule", first=checks[0].plan.title, scope=seen)
    return None


def _do(change: Change, place: Place, found: StepButton, wish: Press) -> Outcome:
    button, action, branch = found.button, found.action, found.branch
    cases, seen, doors = change.cases, change.scope, change.house.doors
    if runbook.offer_of(change.plan, place.plan, button, cases, seen, doors) is None:
        form = place.plan.form
        over = action.cases if action is not None else form.cases if form is not None else None
        return Outcome.refused("nothing_to_do" if over else "not_offered")
    if action is not None:
        return _act(change, place, button, action, wish)
    if button.does == "form":
        form, values = place.plan.form, wish.values or {}
        if form is not None and form.cases is not None:
            return step_records.of_cases(change, place, form, branch, button.id, values)
        return step_records.of_form(change, place, branch, button.id, values)
    if button.does == "branch" or button.does == "done":
        return _done(change, place, branch)
    return Outcome.refused("not_offered")


def _act(change: Change, place: Place, button: Button, action: Action, wish: Press) -> Outcome:
    values: Mapping[str, Any] | None = None
    if action.form is not None:
        checked = forms.check(change.session, change.house, action.form, wish.values or {}, change)
        if isinstance(checked, Outcome):
            return checked
        values = checked.values
    asked = requests.request_action(
        change,
        Wish(
            action,
            place,
            button.id,
            params=button.params,
            form=values,
            upto=wish.extra.get("upto"),
        ),
    )
    if isinstance(asked, Outcome):
        return asked
    row = place.row
    row.state, row.started_at, row.actor = StepState.RUNNING, change.now, change.actor.user_id
    row.figures = {**(row.figures or {}), "took": ownership.take_by_acting(change), "problem": None}
    if button.branch is not None:
        row.figures = {**row.figures, "branch": button.branch}
    change.moved()
    change.entry(
        "action_asked",
        {"action": action.id, "step": place.plan.id, "press": asked[0].press},
    )
    action_outcomes.show_asked(change, asked)
    return approval_requests.answer(change, action, asked)


def _done(change: Change, place: Place, branch: Branch | None) -> Outcome:
    took = ownership.take_by_acting(change)
    place.row.figures = {**(place.row.figures or {}), "took": took}
    step_completion.mark_done(change, place, actor=change.actor.user_id, branch=branch)
    words = branch.log if branch is not None else place.plan.log
    kind = "branch" if branch is not None else "step_done"
    entry = step_records.entry_of(change, place, kind, took=took, branch=branch)
    change.audit(kind, place.plan.id, data={"branch": branch.id if branch else None})
    step_completion.after(change, place, entry, posted=words is not None)
    return Outcome.done(quiet=True)


def _skip(change: Change, place: Place, wish: Press) -> Outcome:
    """Left out, with a reason that the runbook shows. It is no work on the fault: nobody has the
    incident by it, and the reminders go on."""
    refused = (
        authorise.refuse_step(change, place.plan)
        or press_conflicts.in_the_way(change, place)
        or _order(change, place, None)
    )
    if refused is not None:
        return refused
    reason = forms.free_text(change, (wish.values or {}).get("reason"), "reason", maximum=500)
    if isinstance(reason, Outcome):
        return reason
    row = place.row
    row.state, row.actor, row.at = StepState.SKIPPED, change.actor.user_id, change.now
    row.reason = reason.personal
    change.moved()
    entry = change.entry(
        "skipped",
        {"step": place.plan.id, "scope": scopes.snapshot(change.scope)},
        text=reason.personal,
    )
    change.audit("skip", place.plan.id)
    step_completion.after(change, place, entry, posted=False)
    return Outcome.done(quiet=True)


def _undo(change: Change, place: Place, wish: Press) -> Outcome:
    """The way back of an action that was done."""
    found = undo.way_back(change, place)
    if found is None:
        return Outcome.refused("undo_gone")
    attempt, action = found
    refused = (
        authorise.refuse_action(change, action)
        or press_conflicts.not_live(change)
        or press_conflicts.stale(change, wish.version)
    )
    if refused is not None:
        return refused
    asked = requests.request_action(change, Wish(action, place, UNDO, undoes=attempt))
    if isinstance(asked, Outcome):
        return asked
    took = ownership.take_by_acting(change)
    change.moved()
    change.entry(
        "action_asked",
        {"action": action.id, "step": place.plan.id, "press": asked[0].press, "took": took},
    )
    change.show()
    return approval_requests.answer(change, action, asked)


def answer_question(session: Session, house: House, wish: Press, now: datetime) -> Outcome:
    """A button of something Muster asked: `step_id` is the question's id, `sequence` its line."""
    incident = loading.incident_of(session, wish.number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{wish.number}")
    change = Change(session, house, incident, wish.actor, now)
    return replace(_answered(change, wish), number=incident.number)


def _answered(change: Change, wish: Press) -> Outcome:
    later = follow_up_prompts.find(change, wish.step_id)
    button = next((b for b in later.buttons if b.id == wish.button_id), None) if later else None
    entry = follow_up_prompts.last_asked(change, wish.step_id)
    if later is None or button is None or entry is None:
        return Outcome.refused("not_offered")
    action = change.plan.actions[button.action] if button.action else None
    refused = (
        authorise.refuse_action(change, action)
        if action is not None
        else authorise.refuse(change, "note")
    )
    if refused is not None:
        return refused
    if wish.sequence not in (None, entry.sequence) or not follow_up_prompts.is_open(entry):
        return Outcome.refused("later_gone")
    if action is None:
        hours = float(button.params.get("again_hours", 0) or 0)
        again = follow_up_prompts.answer(change, entry, button.id, again_hours=hours or None)
        if again is not None:
            timer(change, "ask_again", again, later=wish.step_id)
        change.entry("later_stayed", {"later": later.id, "again_at": scopes.iso(again)})
        change.audit("answer", later.id, data={"button": button.id})
        return Outcome.done("later_stayed", until=again)
    cases, seen = change.cases, change.scope
    if runbook.offer(change.plan, button, cases, seen, change.house.doors) is None:
        return Outcome.refused("nothing_to_do")
    asked = requests.request_action(
        change, Wish(action, None, f"later:{later.id}:{button.id}", params=button.params)
    )
    if isinstance(asked, Outcome):
        return asked
    follow_up_prompts.answer(change, entry, button.id)
    ownership.take_by_acting(change)
    change.moved()
    change.entry("action_asked", {"action": action.id, "press": asked[0].press})
    action_outcomes.show_asked(change, asked)
    return approval_requests.answer(change, action, asked)
