"""Authorisation: who may do what, checked where the act happens, never by hiding buttons (rule 10).

A refusal is written to the audit log and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from incidents import people
from incidents.alerting import oncall
from incidents.change import Change
from incidents.command_table import Rule, rule_of
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.views import ButtonView
from plan.model import Action, Words
from plan.model import Step as PlanStep
from plan.step_buttons import StepButton
from storage import audit
from storage.models import Incident


def allowed(
    rule: Rule,
    actor: Actor,
    *,
    handler: str | None,
    owner: str | None,
    owners: Sequence[str] = (),
) -> bool:
    if rule.anyone or (rule.owner and owner is not None and actor.user_id == owner):
        return True
    if "any" in rule.roles:
        return bool(actor.roles)
    wanted = {handler if role == "handler" else role for role in rule.roles}
    if "owners" in wanted:
        wanted |= set(owners)
    return bool(actor.roles & {role for role in wanted if role is not None})


def may_see(house: House, incident: Incident, user_id: str | None) -> bool:
    """A private incident is for its own role, the managers, its owner and who filed it."""
    if not incident.private:
        return True
    if user_id is None:
        return False
    if user_id in (incident.owner, incident.created_by):
        return True
    try:
        role = house.plan.incident_type(incident.incident_type).role
    except KeyError:
        role = "managers"
    return bool(house.roles_of(user_id) & {role, "managers"})


def _hidden(change: Change, what: str) -> Outcome | None:
    """The refusal of somebody from whom a private incident is kept."""
    if may_see(change.house, change.incident, change.actor.user_id):
        return None
    return _refused(change, what, change.kind.role, None)


def needed(rule: Rule, handler: str | None) -> str | None:
    """The role that is named to somebody who lacks it."""
    for role in rule.roles:
        return handler if role in ("handler", "any", "owners") else role
    return None


def refuse(change: Change, act: str) -> Outcome | None:
    """None if the actor may; else the refusal, written to the audit."""
    rule, handler = rule_of(act), change.kind.role
    hidden = _hidden(change, act)
    if hidden is not None:
        return hidden
    owner, owners = change.incident.owner, change.section.may_own
    if allowed(rule, change.actor, handler=handler, owner=owner, owners=owners):
        return None
    return _refused(change, act, needed(rule, handler), None)


def refuse_action(change: Change, action: Action) -> Outcome | None:
    """The right to an action is the plan's own (`roles`)."""
    hidden = _hidden(change, action.id)
    if hidden is not None:
        return hidden
    if change.actor.roles & set(action.roles):
        return None
    return _refused(change, action.id, action.roles[0] if action.roles else None, action.title)


def refuse_step(change: Change, step: PlanStep) -> Outcome | None:
    """Recording or skipping a step: its role. Owning the incident does not give it (23)."""
    hidden = _hidden(change, step.id)
    if hidden is not None:
        return hidden
    if step.role in change.actor.roles:
        return None
    return _refused(change, step.id, step.role, step.title)


def refuse_button(change: Change, found: StepButton) -> Outcome | None:
    """The right to a step's button: its action's, else its step's."""
    if found.action is not None:
        return refuse_action(change, found.action)
    return refuse_step(change, found.step)


def _refused(change: Change, what: str, role: str | None, words: Words | None) -> Outcome:
    change.audit("refused", what, result="refused", data={"needs": role})
    on_call = people.people(
        change.session, oncall.in_role(change.house, role or "", change.now)[:1]
    )
    params: dict[str, Any] = {"role": role, "on_call": on_call, "what": words}
    if words is not None:
        params["scope"] = change.scope
    params["buttons"] = [
        ButtonView(
            "ask.role",
            f"{change.incident.drawn}:{person.user_id}:{what}",
            None,
            "ask",
            scope={"name": person.name},
        )
        for person in on_call
        if words is not None
    ]
    return Outcome(False, "no_right", params, number=change.incident.number)


def refuse_in_house(
    session: Session, house: House, actor: Actor, act: str, now: Any
) -> Outcome | None:
    """The same for what belongs to no incident (declare, file a complaint)."""
    rule = rule_of(act)
    if allowed(rule, actor, handler=None, owner=None):
        return None
    role = needed(rule, None)
    audit.record_house(
        session, actor, "refused", act, result="refused", data={"needs": role}, now=now
    )
    on_call = people.people(session, oncall.in_role(house, role or "", now)[:1])
    return Outcome(False, "no_right", {"role": role, "on_call": on_call, "what": None})
