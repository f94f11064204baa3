"""Record of a step: a form that a person filled in is kept, said, and ends its step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from incidents import scope as scopes
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.lifecycle import ownership
from incidents.outcome import Outcome
from incidents.runbooks import case_answers, forms, step_completion
from incidents.runbooks.places import Place
from incidents.shop_actions import action_outcomes, approval_requests, approval_rules, requests
from incidents.shop_actions.requests import Wish
from plan.model import Branch, Form
from storage.models import ActionAttempt, StepState, TimelineEntry
from storage.money import Money

_NAMED = 20  # cases that a log line keeps by name


def of_form(
    change: Change,
    place: Place,
    branch: Branch | None,
    button: str,
    values: Mapping[str, Any],
) -> Outcome:
    """Recorded, and the step is done, unless an amount in it waits for a second person."""
    form = place.plan.form
    if form is None:
        return Outcome.refused("not_offered")
    checked = forms.check(change.session, change.house, form, values, change)
    if isinstance(checked, Outcome):
        return checked
    asked = _ask_for_amount(change, place, checked, button)
    if isinstance(asked, Outcome):
        return asked
    took = ownership.take_by_acting(change)
    place.row.fields = scopes.stored_fields(checked.values, checked.personal)
    place.row.figures = {**(place.row.figures or {}), "took": took}
    if asked is not None:
        return _wait_for_amount(change, place, branch, checked, asked)
    step_completion.note_button(place.row, button)
    step_completion.mark_done(change, place, actor=change.actor.user_id, branch=branch)
    forms.remember_due(change, place, checked)
    entry = entry_of(change, place, "step_recorded", took=took, form=checked, text=checked.quote())
    change.audit("record", place.plan.id, data={"fields": sorted(checked.values)})
    step_completion.after(change, place, entry, posted=place.plan.log is not None)
    return Outcome.done(quiet=True)


def of_cases(
    change: Change,
    place: Place,
    form: Form,
    branch: Branch | None,
    button: str,
    values: Mapping[str, Any],
) -> Outcome:
    """Recorded for the cases that were chosen; done when no case is left without an answer."""
    checked = forms.check(change.session, change.house, form, values, change)
    if isinstance(checked, Outcome):
        return checked
    cases, seen = change.cases, change.scope
    chosen = case_answers.chosen(form, cases, seen, values)
    if isinstance(chosen, Outcome):
        return chosen
    took = ownership.take_by_acting(change)
    case_answers.keep(change, chosen, checked)
    place.row.fields = scopes.stored_fields(checked.values, checked.personal)
    place.row.figures = {
        **(place.row.figures or {}),
        "took": took,
        "answered_by": change.actor.user_id,
        "branch": branch.id if branch is not None else None,
    }
    keys = [case.key for case in chosen]
    change.audit("record", place.plan.id, data={"fields": sorted(checked.values), "cases": keys})
    entry = entry_of(
        change, place, "step_recorded", took=took, form=checked, text=checked.quote(), cases=keys
    )
    step_completion.note_button(place.row, button)
    step_completion.follow_answers(change)
    change.moved()
    step_completion.after(change, place, entry, posted=place.plan.log is not None)
    return Outcome.done(quiet=True)


def _ask_for_amount(
    change: Change, place: Place, checked: forms.Checked, button: str
) -> list[ActionAttempt] | Outcome | None:
    """An amount of the form that is above its limit asks a second person; None: there is none."""
    for entered in checked.form.fields:
        action = change.plan.actions.get(entered.approved_by or "")
        amount = checked.values.get(entered.id)
        if action is None or not amount:
            continue
        if approval_rules.amount_breaks(change, action, Money.from_json(amount)):
            request = Wish(action, place, button, form=dict(checked.values))
            return requests.request_action(change, request)
    return None


def _wait_for_amount(
    change: Change,
    place: Place,
    branch: Branch | None,
    checked: forms.Checked,
    asked: list[ActionAttempt],
) -> Outcome:
    """What was entered is kept and said; the step is done when its amount was approved."""
    row = place.row
    row.state, row.started_at, row.actor = StepState.RUNNING, change.now, change.actor.user_id
    row.figures = {**row.figures, "problem": None, "branch": branch.id if branch else None}
    forms.remember_due(change, place, checked)
    change.moved()
    took = bool(row.figures.get("took"))
    entry = entry_of(change, place, "step_recorded", took=took, form=checked, text=checked.quote())
    change.audit("record", place.plan.id, data={"fields": sorted(checked.values)})
    if place.plan.log is not None:
        notifications.announce(change, Event.STATUS, entry)
    action_outcomes.show_asked(change, asked)
    return approval_requests.answer(change, change.plan.actions[asked[0].action], asked)


def entry_of(
    change: Change,
    place: Place,
    kind: str,
    *,
    took: bool,
    form: forms.Checked | None = None,
    branch: Branch | None = None,
    text: str | None = None,
    cases: Sequence[str] = (),
) -> TimelineEntry:
    """The log line of a step; `cases`: the keys of those that it is about, where not of all."""
    data: dict[str, Any] = {
        "step": place.plan.id,
        "took": took,
        "scope": scopes.snapshot(change.scope),
    }
    if form is not None:
        data["form"] = form.plain()
    if cases:
        data |= {"case_keys": list(cases[:_NAMED]), "more_cases": max(0, len(cases) - _NAMED)}
    if branch is not None:
        data["branch"] = branch.id
    if branch is not None and branch.log is not None:
        data["words"] = {"branch": branch.id, "step": place.plan.id}
    elif place.plan.log is not None:
        data["words"] = {"step": place.plan.id}
    return change.entry(kind, data, text=text)
