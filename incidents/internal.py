"""Actions that have no door in the shop: telling a department, escalating."""

from __future__ import annotations

from incidents import notifications
from incidents.change import Change
from incidents.notifications import Event
from plan.model import Action
from storage import outbox
from storage.models import ActionAttempt, AttemptState


def carry_out(change: Change, action: Action, attempt: ActionAttempt) -> None:
    """Done with the commit of the press: messages to the people of the roles that it names."""
    told = _tell(change, attempt, [str(role) for role in attempt.params.get("roles", ())])
    attempt.state = AttemptState.DONE
    attempt.sent_at = attempt.settled_at = change.now
    attempt.response = {"told": told}
    attempt.after = {"told": told}


def _tell(change: Change, attempt: ActionAttempt, roles: list[str]) -> list[str]:
    """Each role once: in its own channel where it has one, else its people directly."""
    told: list[str] = []
    incident = change.incident
    for name in roles:
        role = change.house.role(name)
        channel = change.house.audience(role.channel) if role.channel else None
        if channel is not None and not (incident.private and not channel.private):
            outbox.post(
                change.session,
                key=f"{incident.reference}/told/{name}/{attempt.id}",
                template="your_turn",
                incident=incident,
                audience=channel.key,
                params={"event": str(Event.ESCALATED), "role": name},
                priority=2,
                now=change.now,
            )
            told.append(name)
        elif role.chain:
            notifications.announce(
                change,
                Event.ESCALATED,
                people=tuple(p for p in role.chain if p != change.actor.user_id)[:1],
                params={"why": "escalated", "who": change.actor.user_id},
                mark=f"told-{attempt.id}",
            )
            told.append(name)
    return told
