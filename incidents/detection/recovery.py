"""Recovery: a check sees the fault gone, or back. Status, facts, and what is asked then."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.model import CheckResult
from incidents import scope as scopes
from incidents import timeline
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.detection import impact, relapse, source_facts
from incidents.lifecycle import mitigation
from incidents.runbooks import follow_up_prompts, step_completion
from incidents.shop_actions import effects
from incidents.sources import alert_of
from storage.models import Status

_FLAPPING = timedelta(hours=1)  # the same line about coming and going is posted once in that time


def recovered(change: Change) -> bool:
    """Recovered after M successes in a row. False: it was known already."""
    incident = change.incident
    if incident.recovered_at is not None:
        return False
    incident.recovered_at = change.now
    incident.facts = {**incident.facts, "recovered_at": change.now.isoformat()}
    change.moved()
    # What is being watched is said to be over when it has held, not before.
    mitigated = incident.status in (Status.OPEN, Status.ACKNOWLEDGED) and not incident.hold
    if mitigated:
        change.status(Status.MITIGATED)
    step_completion.by_recovery(change)
    check = incident.facts.get("check", {})
    data = {
        "passes": check.get("passes"),
        "by_recovery": mitigated,
        **_said_over(change),
        "scope": scopes.snapshot(change.scope),
    }
    seldom = _seldom(change, "recovered")
    # What was taken for over while it was watched, and did not last, was said too soon.
    last = timeline.last_of(change.session, incident.id, "recovered", "not_held")
    anew = last is not None and last.kind == "not_held"
    entry = change.entry("recovered", data)
    change.audit("recovered", incident.reference, data={"check": check.get("name")})
    if effects.standing(change.session, incident):
        mitigation.look_regularly(change)
    asked = follow_up_prompts.ask_due(change)
    relapsed = timeline.last_of(change.session, incident.id, "relapsed")
    told = relapsed is not None and relapsed.data.get("posted")  # so its end is told as well
    if mitigated and (seldom or told or anew):
        notifications.announce(change, Event.MITIGATED, entry)
        follow_up_prompts.desk_note(change)
    elif not asked and seldom:
        notifications.announce(change, Event.STATUS, entry)
    change.show()
    return True


def _said_over(change: Change) -> dict[str, str]:
    """Who said so and when, where it was another system and no check of ours."""
    said = source_facts.over_at(change.incident)
    if said is None or alert_of(change.actor.user_id) is None:
        return {}
    return {"door": said[0], "over_at": said[1].isoformat()}


def came_back(change: Change, since: datetime | None = None) -> bool:
    """It fails, N in a row. `since`: the first of these runs. Whether it is felt again.

    What fails beside the traffic is felt by nobody: nobody is rung for that, but what was asked
    since it had recovered (switch back?) is withdrawn.
    """
    incident = change.incident
    incident.failing = True
    again = incident.recovered_at is not None
    seldom = again and _seldom(change, "came_back")
    if again:
        incident.recovered_at = None
        incident.facts = {
            name: value for name, value in incident.facts.items() if name != "recovered_at"
        }
        change.moved()
        follow_up_prompts.withdraw(change)
    entry = None
    if again and not incident.fails_beside:
        data = {
            "failures": incident.failed_runs or None,
            "door": alert_of(change.actor.user_id),
            "scope": scopes.snapshot(change.scope),
        }
        entry = change.entry("came_back", data)
        change.audit("came_back", incident.reference)
    if relapse.consider(change, since):
        return True
    if entry is not None and seldom:
        notifications.announce(change, Event.STATUS, entry)
    if again:
        change.show()
    return False


def failed_again(
    change: Change, result: CheckResult, *, felt: bool, since: datetime | None
) -> bool:
    """One more failed run of a check of the incident. Whether it is felt again by it."""
    incident = change.incident
    failing = impact.check_failed(incident, result.ran_at, result.open_after, felt=felt)
    if incident.failed_runs == 1 and effects.standing(change.session, incident):
        mitigation.look_now(change)
    return failing and came_back(change, since)


def _seldom(change: Change, kind: str) -> bool:
    """Whether no line of that kind was posted lately."""
    return not any(
        entry.kind == kind and entry.data.get("posted") and abs(change.now - entry.at) < _FLAPPING
        for entry in timeline.entries(change.session, change.incident.id)
    )
