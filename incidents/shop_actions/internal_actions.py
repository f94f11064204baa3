"""Actions that have no door in the shop: telling a department, escalating."""

from __future__ import annotations

from incidents import authorise
from incidents.alerting import notifications, oncall
from incidents.alerting.notifications import Event
from incidents.change import Change
from plan.model import Action
from storage import outbox
from storage.models import ActionAttempt, AttemptState


def carry_out(change: Change, action: Action, attempt: ActionAttempt) -> None:
    """Done with the commit of the press: messages to the people of the roles that it names."""
    roles = [str(role) for role in attempt.params.get("roles", ())]
    told = (
        _tell(change, attempt, roles) if action.sends == "news" else _ring(change, attempt, roles)
    )
    attempt.state = AttemptState.DONE
    attempt.sent_at = attempt.settled_at = change.now
    attempt.response = {"told": told}
    attempt.after = {"told": told}


def _tell(change: Change, attempt: ActionAttempt, roles: list[str]) -> list[str]:
    """Everybody of the roles hears it, once each: what customers feel, who has it, the thread."""
    told: list[str] = []
    people: dict[str, None] = {}
    for name in roles:
        chain = [p for p in oncall.in_role(change.house, name, change.now) if _may_hear(change, p)]
        people |= dict.fromkeys(chain)
        if chain or _post(change, attempt, name):
            told.append(name)
    mark = f"told-{attempt.id}"
    params = {"who": change.actor.user_id}
    notifications.announce(change, Event.TOLD, people=people, params=params, mark=mark)
    return told


def _may_hear(change: Change, person: str) -> bool:
    others = person != change.actor.user_id
    return others and authorise.may_see(change.house, change.incident, person)


def _post(change: Change, attempt: ActionAttempt, name: str) -> bool:
    """A role without people that Muster knows hears it in its channel, where it has one."""
    role, incident = change.house.role(name), change.incident
    channel = change.house.audience(role.channel) if role.channel and not role.chain else None
    if channel is None or (incident.private and not channel.private):
        return False
    outbox.post(
        change.session,
        key=f"{incident.reference}/told/{name}/{attempt.id}",
        template="told",
        incident=incident,
        audience=channel.key,
        params={"event": str(Event.TOLD), "who": change.actor.user_id},
        priority=2,
        now=change.now,
    )
    return True


def _ring(change: Change, attempt: ActionAttempt, roles: list[str]) -> list[str]:
    """The first of each role is asked to act."""
    rung: list[str] = []
    for name in roles:
        chain = [
            person
            for person in oncall.in_role(change.house, name, change.now)
            if person != change.actor.user_id
        ]
        if not chain:
            continue
        notifications.announce(
            change,
            Event.ESCALATED,
            people=chain[:1],
            params={"why": "escalated", "who": change.actor.user_id},
            mark=f"told-{attempt.id}",
        )
        rung.append(name)
    return rung
