"""Step forms: which one a step's button asks for, found in the incident's own plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.action_values import Target
from incidents import loading
from incidents.case_totals import CaseLine
from incidents.organisation import Actor, House
from incidents.runbooks import runbook
from incidents.shop_actions.message_preview import PreviewView, preview
from plan.model import Action, Button, Form, Plan, Words

MOST = 50  # cases that one form offers, ten in a group (Slack: checkboxes hold 10); then the rest


@dataclass(frozen=True)
class FormView:
    """What the template `form` draws (message_templates)."""

    form: Form
    scope: Mapping[str, Any]
    cases: tuple[CaseLine, ...] = ()  # to be chosen from; one alone is not asked for


@dataclass(frozen=True)
class Asked:
    """A step's button with what it needs before it can be done."""

    step_title: Words
    scope: Mapping[str, Any]
    button: Button | None
    action: Action | None
    form: Form | None
    role: str
    owner: str | None
    plan_hash: str  # of the plan that the form was taken from: it is judged by that one
    preview: PreviewView | None = None  # of what customers will read
    cases: tuple[CaseLine, ...] = ()  # that the form, which holds case by case, asks about

    def may_open(self, actor: Actor) -> bool:
        """Whether the form is shown; who may not is told by the press itself, and it is kept."""
        roles = set(self.action.roles) if self.action is not None else {self.role, "managers"}
        return bool(actor.roles & roles) or actor.user_id == self.owner

    @property
    def view(self) -> FormView | None:
        if self.form is None:
            return None
        several = self.cases if len(self.cases) > 1 else ()
        return FormView(self.form, self.scope, several[:MOST])


def asked(session: Session, house: House, target: Target, now: datetime) -> Asked | None:
    """None: the incident or the step is not there (an old card of another plan)."""
    incident = loading.incident_of(session, target.number)
    if incident is None:
        return None
    plan = loading.plan_of(session, house, incident)
    place = runbook.find(session, plan, incident, target.step)
    if place is None:
        return None
    cases, seen = runbook.seen_now(session, incident, now)
    button = next((b for b in place.plan.buttons if b.id == target.button), None)
    offered = None
    if button is not None:
        offered = runbook.offer_of(plan, place.plan, button, cases, seen)
    action = plan.actions[button.action] if button is not None and button.action else None
    return Asked(
        step_title=place.plan.title,
        scope=seen if offered is None else {**seen, "target": dict(offered.target)},
        button=button,
        action=action,
        form=None if button is None else form_behind(plan, target.step, button.id),
        role=place.plan.role,
        owner=incident.owner,
        plan_hash=incident.plan_hash,
        preview=(
            preview(
                plan,
                action,
                runbook.ready(plan, place.plan, action, cases, seen),
                seen,
                house.customer_language,
            )
            if action is not None and action.form is None and offered is not None
            else None
        ),
        cases=(offered.reached if offered is not None and offered.button.does == "form" else ()),
    )


def form_behind(plan: Plan, step_id: str, button_id: str) -> Form | None:
    """The form that a step's button asks for in this version of the plan."""
    for section in plan.sections.values():
        for step in section.steps:
            if step.id != step_id:
                continue
            button = next((one for one in step.buttons if one.id == button_id), None)
            if button is None:
                return None
            if button.does == "form":
                return step.form
            action = plan.actions.get(button.action or "")
            return action.form if action is not None else None
    return None
