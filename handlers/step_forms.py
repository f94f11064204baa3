"""Step forms: which one a step's button asks for, found in the incident's own plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.action_values import Target
from incidents import authorise, loading
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.runbooks import runbook
from incidents.shop_actions.message_preview import PreviewView, preview
from plan import step_buttons
from plan.model import Action, Button, Form, Words

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
    may: bool  # whether it is shown; who may not is told by the press itself, and it is kept
    plan_hash: str  # of the plan that the form was taken from: it is judged by that one
    preview: PreviewView | None = None  # of what customers will read
    cases: tuple[CaseLine, ...] = ()  # that the form, which holds case by case, asks about

    @property
    def view(self) -> FormView | None:
        if self.form is None:
            return None
        several = self.cases if len(self.cases) > 1 else ()
        return FormView(self.form, self.scope, several[:MOST])


def asked(
    session: Session, house: House, target: Target, now: datetime, actor: Actor | None = None
) -> Asked | None:
    """None: the incident or the step is not there (an old card of another plan).

    `actor`: who wants to press it; where it is drawn again for who pressed it already, nobody.
    """
    incident = loading.incident_of(session, target.number)
    if incident is None:
        return None
    snapshot = Change(session, house, incident, actor or Actor(""), now)
    plan, place = snapshot.plan, snapshot.place(target.step)
    if place is None:
        return None
    cases, seen = snapshot.cases, snapshot.scope
    found = step_buttons.of_step(plan, place.plan, target.button)
    action = found.action if found is not None else None
    offered = None
    if found is not None:
        offered = runbook.offer_of(plan, place.plan, found.button, cases, seen, house.doors)
    return Asked(
        step_title=place.plan.title,
        scope=seen if offered is None else {**seen, "target": dict(offered.target)},
        button=found.button if found is not None else None,
        action=action,
        form=found.form if found is not None else None,
        may=authorise.may_press(snapshot, place.plan, action),
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
