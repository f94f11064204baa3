"""Timers: what each does when due. What it finds then decides; it never repeats what is past."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import scope as scopes
from incidents.alerting import dead_letters, escalation, notifications
from incidents.alerting.escalation import Presence
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.detection import relapse
from incidents.lifecycle import follow_ups, hold, mitigation
from incidents.organisation import SYSTEM_ACTOR, House
from incidents.runbooks import follow_up_prompts, stalled_steps
from incidents.shop_actions import action_outcomes, approvals
from incidents.shop_actions.looks import GuardLooks, WantedLook
from storage.models import AttemptState, Incident

_RINGS = ("ring_check", "no_owner", relapse.TIMER)
_LOOKS = (hold.TIMER, mitigation.TIMER)
# Those that ring by a direct message: SEV1 … this one do so at night as well. None is set for the
# night of a lesser one; after downtime it may come due in it, and waits for the morning.
_NIGHT_TO = {
    "no_owner": 2,
    "answer_due": 2,
    "follow_up": 0,
    "standstill": 0,
    "morning": 0,
    relapse.TIMER: 2,
}


def presence_wanted(
    session: Session, house: House, payload: Mapping[str, Any], now: datetime
) -> tuple[str, ...]:
    """Whose Do Not Disturb is to be looked at before `fire`: user ids, none for most timers."""
    if payload.get("timer") not in _RINGS:
        return ()
    change = _change(session, house, payload, now, lock=False)  # only a look
    if change is None:
        return ()
    if payload["timer"] == relapse.TIMER:
        return relapse.wanted_presence(change)
    return escalation.wanted_presence(change)


def looks_wanted(
    session: Session, house: House, payload: Mapping[str, Any], now: datetime
) -> tuple[WantedLook, ...]:
    """What is to be looked at in the shop before `fire`; nothing for most timers."""
    if payload.get("timer") not in _LOOKS:
        return ()
    change = _change(session, house, payload, now, lock=False)
    return mitigation.wanted_looks(change, payload) if change is not None else ()


def channel_wanted(
    session: Session, house: House, payload: Mapping[str, Any], now: datetime
) -> str | None:
    """The channel of which `fire` must know who is in it; None for most timers."""
    if payload.get("timer") != "ring_absent":
        return None
    change = _change(session, house, payload, now, lock=False)
    return escalation.channel_of(change) if change is not None else None


def fire(
    session: Session,
    house: House,
    payload: Mapping[str, Any],
    now: datetime,
    presence: Presence | None = None,
    present: Collection[str] | None = None,
    *,
    looks: GuardLooks | None = None,
) -> None:
    """Runs a due timer in its unit of work.

    `present`: who is in the channel of `channel_wanted`; None: Slack could not say. `looks`: what
    `looks_wanted` named, as the shop shows it.
    """
    change = _change(session, house, payload, now)
    if change is None:
        return
    incident = change.incident
    name = str(payload["timer"])
    quiet = incident.quiet_until
    if quiet is not None and quiet > now and name in ("no_owner", "answer_due", "ask_again"):
        _again_later(change, payload, quiet)
        return
    if incident.severity > _NIGHT_TO.get(name, incident.severity) and house.quiet.holds(now):
        _again_later(change, payload, house.quiet.next_end(now))
        return
    match name:
        case "ring_check":
            escalation.ring_check(change, payload, presence or {})
        case "ring_absent":
            escalation.ring_absent(change, present)
        case "no_owner":
            escalation.no_owner(change, payload, presence or {})
        case relapse.TIMER:
            relapse.ring(change, payload, presence or {})
        case hold.TIMER:
            mitigation.watch(change, payload, looks or GuardLooks(now))
        case mitigation.TIMER:
            mitigation.looked(change, payload, looks or GuardLooks(now))
        case "morning":
            escalation.morning(change)
        case "approval_due":
            approvals.due(change, int(payload["approval"]), str(payload["mark"]))
        case "unknown_ring":
            _unknown_ring(change, str(payload["press"]))
        case "answer_due":
            _answer_due(change, str(payload["step"]))
        case "ask_again":
            if follow_up_prompts.ask_due(change):
                change.show()
        case "wait_over":
            _wait_over(change, payload)
        case "follow_up":
            follow_ups.remind(change, int(payload["follow_up"]))
        case "not_delivered":
            _not_delivered(change, payload)
        case "standstill":
            stalled_steps.remind(change, payload)
        case _:
            raise ValueError(f"“{name}” is no timer")


def _change(
    session: Session,
    house: House,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    lock: bool = True,
) -> Change | None:
    incident = session.get(Incident, int(payload["incident"]), with_for_update=lock or None)
    return None if incident is None else Change(session, house, incident, SYSTEM_ACTOR, now)


def _again_later(change: Change, payload: Mapping[str, Any], due: datetime) -> None:
    rest = {k: v for k, v in payload.items() if k not in ("timer", "incident")}
    which = "/".join(str(rest[name]) for name in sorted(rest))  # two of one name stay two
    key = f"{which}/quiet-{due:%Y%m%d%H%M}"
    escalation.timer(change, str(payload["timer"]), due, key=key, **rest)


def _unknown_ring(change: Change, press: str) -> None:
    """Unknown for more than a minute: the owner is told what, and that nothing is repeated."""
    attempts = action_outcomes.attempts_of(change, press)
    unknown = [one for one in attempts if one.state == AttemptState.UNKNOWN]
    if not unknown:
        return
    first = unknown[0]
    action = change.plan.actions[first.action]
    seen = change.scope_with(**action_outcomes.attempt_scope(change, first))
    if action.cases is not None:
        seen["batch"] = action_outcomes.batch_of(change, attempts)
    data = {
        "action": action.id,
        "attempt_id": first.id,
        "step": first.step_id,
        "at": scopes.iso(first.sent_at or first.requested_at),
        "every": action.verify.every if action.verify else 15,
        "scope": scopes.snapshot(seen),
    }
    if action.log_unknown is not None:
        data["words"] = {"action": action.id, "unknown": True}
    entry = change.entry("action_unknown", data)
    change.audit("ring", action.id, data={"why": "unknown", "press": press})
    params = {"what": action.id, "at": data["at"], "every": data["every"]}
    notifications.announce(change, Event.UNKNOWN, entry, params=params)


def _answer_due(change: Change, step_id: str) -> None:
    """A vendor's time has passed and it does not work: one reminder to ask again."""
    incident = change.incident
    if not incident.live or incident.recovered_at is not None or incident.owner is None:
        return
    place = change.place(step_id)
    if place is None:
        return
    notifications.announce(
        change,
        Event.REMINDER,
        people=(incident.owner,),
        params={"step": step_id},
        mark=f"due-{step_id}-{change.now:%Y%m%d%H%M}",
    )
    change.entry("rung", {"to": incident.owner, "why": "answer_due", "step": step_id})


def _not_delivered(change: Change, payload: Mapping[str, Any]) -> None:
    """A message of it was set aside; in the night of a SEV3 or SEV4 that waits for the morning."""
    if notifications.may_ring(change, Event.NOT_DELIVERED):
        dead_letters.tell(change, int(payload["item"]))
    else:
        due = change.house.quiet.next_end(change.now)
        key = f"{payload['item']}-{due:%Y%m%d%H}"
        escalation.timer(change, "not_delivered", due, key=key, item=payload["item"])


def _wait_over(change: Change, payload: Mapping[str, Any]) -> None:
    """The day has come; a wait that was set anew since then is another one."""
    incident = change.incident
    if incident.quiet_until is None or incident.quiet_until > change.now or not incident.live:
        return
    data = {"until": incident.quiet_until.isoformat()}
    incident.quiet_until = incident.quiet_reason = None
    entry = change.entry("wait_over", data)
    change.audit("wait_over", incident.reference)
    notifications.announce(change, Event.YOUR_TURN, entry)
    follow_up_prompts.ask_due(change)
    change.show()


__all__ = ["fire", "looks_wanted", "presence_wanted"]
