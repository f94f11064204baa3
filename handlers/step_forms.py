"""Which form a step's button asks for, found in the incident's own plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.values import Target
from incidents import loading, runbook
from incidents.house import Actor, House
from plan.model import Action, Button, Form, Words


@dataclass(frozen=True)
class FormView:
    """What the template `form` draws (message_templates)."""

    form: Form
    scope: Mapping[str, Any]


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

    def may_open(self, actor: Actor) -> bool:
        """Whether the form is shown; who may not is told by the press itself, and it is kept."""
        roles = set(self.action.roles) if self.action is not None else {self.role, "managers"}
        return bool(actor.roles & roles) or actor.user_id == self.owner

    @property
    def view(self) -> FormView | None:
        return None if self.form is None else FormView(self.form, self.scope)


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
    if button is None:
        return Asked(place.plan.title, seen, None, None, None, place.plan.role, incident.owner)
    offered = runbook.offer(plan, button, cases, seen)
    scope = {**seen, "target": dict(offered.target)} if offered is not None else seen
    action = plan.actions[button.action] if button.action else None
    form = None
    if button.does == "form":
        form = place.plan.form
    elif action is not None:
        form = action.form
    return Asked(place.plan.title, scope, button, action, form, place.plan.role, incident.owner)
