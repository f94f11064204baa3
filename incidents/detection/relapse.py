"""Relapse of a fault: the customers feel again what was over. Said on the same card, counted, and
whoever must act is rung, once a relapse and at most once in ten minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents import scope as scopes
from incidents.alerting import escalation, notifications
from incidents.alerting.escalation import Presence
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.detection import impact
from incidents.lifecycle import hold
from incidents.runbooks import follow_up_prompts, step_completion
from incidents.shop_actions import effects
from storage.models import Effect, Status, StepState, TimelineEntry

TIMER = "relapse_ring"
ENDS_IT = (StepState.DONE, StepState.SKIPPED)  # states of a step that a relapse opens again
_OVER = (Status.MITIGATED, Status.MONITORING)


def consider(change: Change, since: datetime | None = None) -> bool:
    """Looks whether what was over is felt again; if so, everything follows. Whether it was."""
    incident = change.incident
    if incident.status not in _OVER or not impact.felt(change):
        return False
    _relapse(change, since or change.now)
    return True


def _relapse(change: Change, since: datetime) -> None:
    incident = change.incident
    ended = incident.mitigated_at or change.now
    began = incident.felt_since or incident.started_at
    over = {"from": began.isoformat(), "to": ended.isoformat()}
    incident.outages = [*(incident.outages or ()), over]
    incident.felt_since = max(since, ended)
    incident.mitigated_at = None
    _recovered_no_more(change)
    incident.quiet_until = incident.quiet_reason = None  # nobody waits for a day while it is felt
    change.status(Status.ACKNOWLEDGED if incident.owner else Status.OPEN)
    change.moved()
    reopen_steps(change)
    follow_up_prompts.withdraw(change)
    data = {
        "times": incident.times,
        "since": incident.started_at.isoformat(),
        "worked": ended.isoformat(),
        "scope": scopes.snapshot(change.scope),
    }
    entry = change.entry("relapsed", data)
    change.audit("relapsed", incident.reference, data={"times": incident.times})
    last = notifications.last_relapse_ring(change)
    if (
        last is None or abs(change.now - last) >= notifications.RELAPSE_AGAIN
    ):  # else the card alone says it
        notifications.announce(change, Event.STATUS, entry)
    ask_to_ring(change, entry)
    if change.incident.nobody_has_it:
        escalation.start(change, again=True)
    change.show()


def _recovered_no_more(change: Change) -> None:
    incident = change.incident
    incident.recovered_at = None
    incident.facts = {k: v for k, v in incident.facts.items() if k != "recovered_at"}


def reopen_steps(change: Change) -> None:
    """The steps that were to end it are to do again: also where their effect stands, it did not.

    One that was left out was not needed for as long as it was over: it is a way on again.
    """
    for run in change.runs:
        for place in change.places(run):
            ends_it = place.plan.mitigates or place.plan.done_when_recovered
            if ends_it and place.row.state in ENDS_IT:
                effects.failed(change, place)
                step_completion.open_again(change, place)


def lost(change: Change, gone: Sequence[Effect], *, problem: str | None = "effect_gone") -> None:
    """Effects that stand no more: their steps are to do again, and what was watched is not."""
    for effect in gone:
        place = effects.place_of(change, effect)
        if place is None or place.plan.mitigates:  # what a check said of the traffic was before
            change.incident.fails_beside = False
        if place is None or place.row.state != StepState.DONE:
            continue
        step_completion.open_again(
            change, place, {"action": effect.action, "code": problem} if problem else None
        )
        if problem is not None:
            entry = change.entry(
                "effect_gone",
                {"step": place.plan.id, "action": effect.action, "at": scopes.iso(change.now)},
            )
            notifications.announce(change, Event.STATUS, entry)
        if hold.step_of(change) is not None and place.plan.mitigates:
            not_held(change, by_hand=problem is None)


def not_held(change: Change, *, by_hand: bool = False) -> None:
    """What was watched did not last: it was never over, and its step is to do again."""
    hold.end(change)
    _recovered_no_more(change)  # the next passes of the check say anew that it has recovered
    reopen_steps(change)
    follow_up_prompts.withdraw(change)
    change.moved()
    entry = change.entry("not_held", {"scope": scopes.snapshot(change.scope)})
    change.audit("not_held", change.incident.reference)
    if not by_hand:  # who took it back knows
        notifications.announce(change, Event.STATUS, entry)
        ask_to_ring(change, entry)
    if change.incident.nobody_has_it:
        escalation.start(change, again=True)
    change.show()


def ask_to_ring(change: Change, entry: TimelineEntry) -> None:
    """Rings as soon as it was looked who can be rung, and ten minutes after the last time."""
    last = notifications.last_relapse_ring(change)
    if last is None or last > change.now:  # a clock that was set back keeps nobody asleep
        due = change.now
    else:
        due = max(change.now, last + notifications.RELAPSE_AGAIN)
    escalation.timer(change, TIMER, due, key=str(entry.sequence), entry=entry.sequence)


def wanted_presence(change: Change) -> tuple[str, ...]:
    """Whose Do Not Disturb must be looked at before the ring."""
    return _line(change)[:3]


def _line(change: Change) -> tuple[str, ...]:
    """The owner, then those of the role."""
    owner = change.incident.owner
    return tuple(dict.fromkeys((*((owner,) if owner else ()), *escalation.chain(change))))


def ring(change: Change, payload: Mapping[str, Any], presence: Presence) -> None:
    """Rings who must act, unless it is over by now or they were rung meanwhile."""
    incident = change.incident
    if not incident.live or incident.status in _OVER:
        return
    line = _line(change)
    awake = next((one for one in line if not presence.get(one)), next(iter(line), None))
    if awake is None:
        return
    if notifications.ring_relapse(
        change, times=incident.times, since=incident.started_at, people=(awake,)
    ):
        change.entry("rung", {"to": awake, "why": "relapsed"})
        change.audit("ring", awake, data={"why": "relapsed", "times": incident.times})
