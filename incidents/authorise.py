"""Authorisation: who may do what, checked where the act happens, never by hiding buttons (rule 10).

A refusal is written to the audit log and changes nothing else. Who may what stands in the table
(`incidents.rights`) and, for steps and actions, in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import loading, people
from incidents.alerting import oncall
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right, Rule, rule_of
from incidents.views import ButtonView
from plan.model import Action, Words
from plan.model import Step as PlanStep
from plan.step_buttons import StepButton
from storage import audit
from storage.models import Incident


class Unconfirmed(Exception):
    """The right to an action with money comes from a user group, and Slack has not been asked
    since the press: nothing was done yet, it is to be asked and pressed again."""


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


def may(change: Change, act: str) -> bool:
    """Whether the actor has a right of the table on this incident."""
    return may_see(change.house, change.incident, change.actor.user_id) and _has(change, act)


def _has(change: Change, act: str) -> bool:
    return allowed(
        rule_of(act),
        change.actor,
        handler=change.kind.role,
        owner=change.incident.owner,
        owners=change.section.may_own,
    )


def refuse(change: Change, act: str) -> Outcome | None:
    """None if the actor may; else the refusal, written to the audit."""
    rule = rule_of(act)
    hidden = _hidden(change, act)
    if hidden is not None:
        # Who only looks is not told that there is such an incident.
        gone = Outcome(False, "not_found", {"reference": change.incident.reference}, noted=True)
        return gone if rule.reads else hidden
    if _has(change, act):
        return None
    return _refused(change, act, needed(rule, change.kind.role), None)


def refuse_on(
    session: Session, house: House, number: int, actor: Actor, act: str, now: datetime
) -> Outcome | None:
    """The same by the incident's number, for what is about to look at it."""
    incident = loading.incident_of(session, number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{number}")
    return refuse(Change(session, house, incident, actor, now), act)


def may_press(change: Change, step: PlanStep, action: Action | None) -> bool:
    """Whether the actor may press a step's button: its action's right, else its step's."""
    roles = set(action.roles) if action is not None else {step.role}
    seen = may_see(change.house, change.incident, change.actor.user_id)
    return seen and bool(change.actor.roles & roles)


def refuse_action(change: Change, action: Action) -> Outcome | None:
    """The right to an action is the plan's own (`roles`)."""
    hidden = _hidden(change, action.id)
    if hidden is not None:
        return hidden
    having = change.actor.roles & set(action.roles)
    if not having:
        return _refused(change, action.id, action.roles[0] if action.roles else None, action.title)
    return refuse_unconfirmed(change, action.id, having) if action.moves_money else None


def refuse_unconfirmed(change: Change, what: str, having: frozenset[str]) -> Outcome | None:
    """Where money moves, a role that comes from a user group alone counts as Slack says it now.

    Raises Unconfirmed where Slack was not asked yet; where it cannot say, the press is refused.
    """
    house, actor = change.house, change.actor
    if any(not house.role(role).by_group_alone(actor.user_id) for role in having):
        return None
    if actor.confirmed is None:
        raise Unconfirmed
    if actor.confirmed:
        return None
    role = min(having)
    change.audit("refused", what, result="refused", data={"needs": role, "why": "group_unknown"})
    return Outcome(False, "right_unknown", {"role": role}, noted=True)


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


def refuse_approval(change: Change, press: str, on_call: Sequence[str]) -> Outcome | None:
    """Deciding on a press that waits. `on_call`: who may, the first of whom is named."""
    rule = rule_of(Right.APPROVE)
    having = change.actor.roles & set(rule.roles)
    if having:
        return refuse_unconfirmed(change, Right.APPROVE, having)
    role = needed(rule, None)
    change.audit("refused", Right.APPROVE, result="refused", data={"needs": role, "press": press})
    named = people.people(change.session, on_call[:1])
    params = {"role": role, "on_call": named, "what": None}
    return Outcome(False, "no_right", params, noted=True)


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
    return Outcome(False, "no_right", params, number=change.incident.number, noted=True)


def refuse_in_house(
    session: Session, house: House, actor: Actor, act: str, now: datetime
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
    params = {"role": role, "on_call": on_call, "what": None}
    return Outcome(False, "no_right", params, noted=True)


def note_refusal(
    session: Session,
    house: House,
    actor: Actor,
    what: str,
    outcome: Outcome,
    now: datetime,
) -> None:
    """A press that came to nothing for whatever reason is on record, with its reason's code."""
    if outcome.ok or outcome.noted:
        return
    incident = None
    if outcome.number is not None:
        incident = loading.incident_of(session, outcome.number, lock=True)
    data = {"why": outcome.code}
    if incident is None:
        audit.record_house(session, actor, "refused", what, result="refused", data=data, now=now)
        return
    Change(session, house, incident, actor, now).audit("refused", what, result="refused", data=data)
