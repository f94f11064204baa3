"""Mitigation of an incident: what its looks showed is taken over, and ends a hold or a calm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from incidents import scope as scopes
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.detection import impact, relapse
from incidents.lifecycle import hold
from incidents.runbooks import follow_up_prompts, step_completion
from incidents.shop_actions import effects
from incidents.shop_actions.looks import GuardLooks, WantedLook
from storage.models import Status

TIMER = "effects"
_EVERY = timedelta(minutes=5)
_SOON = timedelta(minutes=1)  # after a look without an answer
_BAD = 2  # looks beside the effect, one after the other


def wanted_looks(change: Change, payload: Mapping[str, Any]) -> tuple[WantedLook, ...]:
    """What a timer of this module needs to have looked at."""
    name = payload.get("timer")
    if name == hold.TIMER:
        return hold.wanted(change) if hold.is_current(change, payload) else ()
    if name == TIMER and change.incident.live:
        return effects.wanted(change)
    return ()


def watch(change: Change, payload: Mapping[str, Any], looks: GuardLooks) -> None:
    """One round of looks of a hold; at its end: mitigated, or not held."""
    if not hold.is_current(change, payload):
        return
    relapse.lost(change, effects.take(change, looks))
    if change.incident.hold is None:  # what was watched is gone; not what another step did
        return
    place = hold.step_of(change)
    if place is None:  # another section by now
        hold.end(change)
        return
    incident = change.incident
    bad = hold.note(change, place, looks)
    unseen = any(one.problem for one in effects.standing(change.session, incident))
    works_since = incident.works_since or change.now
    limit = timedelta(seconds=place.plan.hold.at_most)
    asked = incident.checked_at is not None
    fails = asked and (
        incident.failed_runs > 0 or (incident.checked_at or works_since) < works_since
    )
    is_felt = impact.felt(change, failing=fails)
    failed_on = is_felt and incident.failed_runs > 0 and change.now >= works_since + limit
    if bad >= _BAD or failed_on:
        relapse.not_held(change)
    elif hold.is_over(change) and not (is_felt or unseen or bad) and hold.enough(change, place):
        mitigate(change)
    else:
        if hold.go_on(change, place):
            _say_unseen(change, place.plan.id)
        change.show()


def _say_unseen(change: Change, step: str) -> None:
    """Neither that it works nor that it does not: once, to who waits for it."""
    incident = change.incident
    since = incident.works_since or change.now
    data = {"step": step, "since": since.isoformat(), "scope": scopes.snapshot(change.scope)}
    entry = change.entry("hold_unseen", data)
    change.audit("hold_unseen", incident.reference)
    notifications.announce(change, Event.STATUS, entry)


def mitigate(change: Change) -> None:
    """It has held: over since it was first seen to work."""
    incident = change.incident
    since = incident.works_since or change.now
    hold.end(change)
    incident.mitigated_at = since
    change.status(Status.MITIGATED)
    change.moved()
    data = {"since": since.isoformat(), "scope": scopes.snapshot(change.scope)}
    entry = change.entry("mitigated", data)
    change.audit("mitigated", incident.reference, data={"since": since.isoformat()})
    notifications.announce(change, Event.MITIGATED, entry)
    follow_up_prompts.desk_note(change)
    look_regularly(change)
    step_completion.settle_runs(change)
    follow_up_prompts.ask_due(change)
    change.show()


def look_regularly(change: Change) -> None:
    """Every five minutes, for as long as it is live and something was done."""
    every = int(_EVERY.total_seconds())
    at = int(change.now.timestamp()) // every * every + every  # one rhythm, whoever asks for it
    due = datetime.fromtimestamp(at, change.now.tzinfo)
    escalation.timer(change, TIMER, due, key=f"every/{due.isoformat()}", every=True)


def look_now(change: Change) -> None:
    """A check failed: whether what was done still stands is looked at at once."""
    if change.incident.live and effects.standing(change.session, change.incident):
        escalation.timer(change, TIMER, change.now, key=f"now/{change.now.isoformat()}")


def looked(change: Change, payload: Mapping[str, Any], looks: GuardLooks) -> None:
    """One round of looks at the effects of an incident."""
    incident = change.incident
    if not incident.live:
        return
    gone = effects.take(change, looks)
    relapse.lost(change, gone)
    relapse.consider(change)
    standing = effects.standing(change.session, incident)
    if payload.get("every") and standing:  # over or not: what was done is to stand
        if any(effect.problem for effect in standing):
            due = change.now + _SOON
            escalation.timer(change, TIMER, due, key=f"every/{due.isoformat()}", every=True)
        else:
            look_regularly(change)
    if gone:
        change.show()
