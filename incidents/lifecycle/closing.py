"""Closing: the end of an incident, resolved, dismissed, reopened, reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import loading
from incidents import scope as scopes
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.command_table import Given, Stage, Text, command
from incidents.detection import relapse
from incidents.lifecycle import closing_state, follow_ups, hold, mitigation, ownership
from incidents.lifecycle.command_guard import act_on
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import OR_OWNER, RESPONDERS
from incidents.runbooks import forms, guards, press_conflicts
from incidents.runbooks.guards import Standing
from incidents.shop_actions import effects
from incidents.shop_actions.looks import GuardLooks
from incidents.sources import by_itself
from plan.model import Cause, Plan
from storage import outbox
from storage.models import Effect, FollowUp, Incident, Status, StepState
from storage.types import Personal

_PREVENTING = ("prevention", "owner", "due")  # of the form: what is to prevent it, who, by when


@dataclass(frozen=True)
class ResolveForm:
    """What the form of *Resolve* holds."""

    cause: str | None
    cause_text: str | None = None
    prevention: str | None = None
    owner: str | None = None  # of what stays open and of what is to prevent it
    due: datetime | None = None

    def scope(self) -> dict[str, object]:
        return {
            "cause": self.cause,
            "prevention": Personal(self.prevention) if self.prevention else None,
            "owner": self.owner,
            "due": scopes.iso(self.due),
        }


def _entered(given: Given) -> ResolveForm:
    return ResolveForm(
        cause=given.values.get("cause"),
        cause_text=given.text("cause_text") or None,
        prevention=given.text("prevention") or None,
        owner=given.values.get("owner"),
        due=given.day("due"),
    )


def _demanded(given: Given, plan: Plan | None, now: datetime) -> Outcome | None:
    """What the chosen cause demands (1.2.4): known from the plan alone."""
    form = _entered(given)
    cause = plan.causes.get(form.cause or "") if plan is not None else None
    missing = demanded_by_cause(cause, form) if cause is not None else None
    return needed(missing) if missing is not None else None


@command(
    "resolve",
    OR_OWNER,
    offered={Stage.OWNED: 10},
    form="resolve",
    texts=(Text("cause_text", 1000, required=False), Text("prevention", 2000, required=False)),
    judge=_demanded,
    looks=True,
    arguments=lambda given: {"form": _entered(given)},
)
def resolve(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    form: ResolveForm,
    looks: GuardLooks | None,
    now: datetime,
) -> Outcome:
    """Refused only where a hard guard does not hold; what else is open gets an owner and a day."""

    def work(change: Change) -> Outcome:
        return _resolve(change, form, looks)

    return act_on(session, house, number, actor, now, "resolve", work)


def _resolve(change: Change, form: ResolveForm, looks: GuardLooks | None) -> Outcome:
    incident = change.incident
    if closing_state.pending(change):
        return Outcome.refused("step_running", at=None)
    cause = change.plan.causes.get(form.cause or "")
    if cause is None:
        return needed("cause")
    texts: dict[str, str] = {}
    for name, value, maximum in (
        ("cause_text", form.cause_text, 1000),
        ("prevention", form.prevention, 2000),
    ):
        said = forms.free_text(change, value, name, maximum=maximum, required=False)
        if isinstance(said, Outcome):
            return said
        texts[name] = said.plain
    if looks is not None:
        gone = effects.take(change, looks)
        if gone:
            return _gone(change, gone)
    before = guards.standing(change, looks, None)
    demanded = {name for name in before.demanded if not getattr(form, name, None)}
    by_cause = demanded_by_cause(cause, form)
    if by_cause is not None:
        demanded.add(by_cause)
    if demanded:
        return needed(min(demanded, key=[*_PREVENTING, "cause"].index))
    standing = guards.standing(change, looks, form.scope())
    if standing.refused:
        first = standing.refused[0]
        change.audit(
            "resolve",
            incident.reference,
            result="refused",
            data={"guards": [one.guard.id for one in standing.refused]},
        )
        return Outcome.refused("resolve_refused", problem=first.words, scope=first.scope)
    took = ownership.take_by_acting(change)
    incident.cause = cause.id
    incident.cause_text = Personal(texts["cause_text"]) if texts["cause_text"] else None
    _record_prevention(change, form, texts["prevention"])
    _keep_open_items(change, form, standing)
    _finish(change, standing, took=took)
    return Outcome.done("resolved", quiet=True, reference=incident.reference)


def _gone(change: Change, gone: list[Effect]) -> Outcome:
    """What had been done stands no more: its step is open again, and that is said first."""
    places = [effects.place_of(change, one) for one in gone]
    relapse.lost(change, gone)
    relapse.consider(change)
    change.audit("resolve", change.incident.reference, result="refused", data={"gone": len(gone)})
    change.show()
    first = next((place for place in places if place is not None), None)
    what = first.plan.title if first is not None else None
    return Outcome.refused("effect_gone", what=what, scope=change.scope, at=change.now)


def demanded_by_cause(cause: Cause, form: ResolveForm) -> str | None:
    """The first field that the cause makes needed and that is empty (1.2.4)."""
    if not cause.needs_improvement:
        return None
    return next((name for name in _PREVENTING if not getattr(form, name)), None)


def needed(field: str) -> Outcome:
    """The refusal of a form in which that field is empty."""
    return Outcome.refused("field_required", field=field, field_id=field)


def _record_prevention(change: Change, form: ResolveForm, text: str) -> None:
    """What is to prevent it: a follow-up, and the plan's own step for it where there is one."""
    if not text:
        return
    owner = form.owner or change.incident.owner or change.actor.user_id
    follow_ups.add(change, "prevention", text, owner=owner, due=form.due)
    for run in change.runs:
        for place in change.places(run):
            if not (place.plan.in_review and place.plan.form) or place.settled:
                continue
            field = next((one for one in place.plan.form.fields if one.id == "prevention"), None)
            if field is not None:
                place.row.fields = scopes.stored_fields(
                    {"prevention": text}, frozenset({"prevention"})
                )
                place.row.state, place.row.at = StepState.DONE, change.now
                place.row.actor = change.actor.user_id


def _keep_open_items(change: Change, form: ResolveForm, standing: Standing) -> None:
    """Everything that is open is listed by name, with an owner and a day."""
    owner = form.owner or change.incident.owner or change.actor.user_id
    due = form.due or change.now + change.house.follow_up_after
    for unmet in standing.open_guards:
        follow_ups.add(change, "open_item", f"guard:{unmet.guard.id}", owner=owner, due=due)
    for place in standing.open_steps:
        follow_ups.add(change, "open_item", f"step:{place.plan.id}", owner=owner, due=due)
    if standing.open_cases and not standing.open_guards:
        follow_ups.add(change, "open_item", f"cases:{standing.open_cases}", owner=owner, due=due)


def _finish(change: Change, standing: Standing, *, took: bool) -> None:
    incident = change.incident
    change.status(Status.RESOLVED)
    hold.end(change)
    incident.quiet_until = incident.quiet_reason = None
    change.moved()
    data = {
        "open": len(standing.open_guards) + len(standing.open_steps) or standing.open_cases,
        "took": took,
        "cause": incident.cause,
        "scope": scopes.snapshot(change.scope),
    }
    entry = change.entry("resolved", data)
    change.audit("resolve", incident.reference, data={"cause": incident.cause})
    notifications.announce(change, Event.RESOLVED, entry, params={"who": change.actor.user_id})
    change.entry("review_written", {})
    escalation.page_says(change, "resolve")
    outbox.post(
        change.session,
        key=f"{incident.reference}/review/{entry.sequence}",
        template="review",
        incident=incident,
        audience=incident.audience,
        thread_key=f"{incident.reference}/card",
        now=change.now,
    )
    outbox.file(
        change.session,
        key=f"{incident.reference}/review-files/{entry.sequence}",
        template="review_files",
        incident=incident,
        audience=incident.audience,
        thread_key=f"{incident.reference}/card",
        now=change.now,
    )
    change.show()


def _silent_for(
    session: Session, house: House, incident: Incident, now: datetime
) -> dict[str, float | None]:
    """For how long the same finding opens nothing anew; None where no check found it."""
    found = by_itself(incident.source) or incident.failing
    return {"silent_for": house.dismissed_for.total_seconds() if found else None}


@command(
    "dismiss",
    RESPONDERS,
    offered={Stage.UNOWNED: 20, Stage.OWNED: 80},
    form="form_dismiss",
    texts=(Text("reason"),),
    choices=_silent_for,
    arguments=lambda given: {"reason": given.text("reason")},
)
def dismiss(
    session: Session, house: House, number: int, actor: Actor, reason: str, now: datetime
) -> Outcome:
    """Not an incident, with the reason."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        said = forms.free_text(change, reason, "reason", maximum=500)
        if isinstance(said, Outcome):
            return said
        if closing_state.pending(change):
            return Outcome.refused("step_running", at=None)
        incident.closing_reason = said.personal
        hold.end(change)
        incident.resolved_at = now
        change.status(Status.DISMISSED)
        change.moved()
        entry = change.entry("dismissed", {}, text=said.personal)
        change.audit("dismiss", incident.reference)
        notifications.announce(change, Event.STATUS, entry)
        escalation.page_says(change, "resolve")
        change.show()
        return Outcome.done("dismissed", quiet=True, reference=incident.reference)

    return act_on(session, house, number, actor, now, "dismiss", work)


@command(
    "reopen",
    RESPONDERS,
    offered={Stage.RESOLVED: 20, Stage.REVIEWED: 10, Stage.DISMISSED: 10},
    form="form_reopen",
    texts=(Text("reason"),),
    arguments=lambda given: {"reason": given.text("reason")},
)
def reopen(
    session: Session, house: House, number: int, actor: Actor, reason: str, now: datetime
) -> Outcome:
    """Goes on from where it was. If the same subject has an open incident, that one is named."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        if incident.live:
            return Outcome.refused("is_live", reference=incident.reference)
        if incident.status == Status.MERGED:
            return press_conflicts.not_live(change) or Outcome.refused("not_offered")
        other = loading.live_incident(session, incident.fingerprint)
        if other is not None:
            return Outcome.refused(
                "declared_existing", reference=other.reference, at=other.detected_at
            )
        said = forms.free_text(change, reason, "reason", maximum=500)
        if isinstance(said, Outcome):
            return said
        change.status(_status_again(incident))
        incident.resolved_at = incident.reviewed_at = None
        incident.closing_reason = None
        ownership.take_by_acting(change)
        change.moved()
        follow_ups.drop_open_items(change)
        entry = change.entry("reopened", {}, text=said.personal)
        change.audit("reopen", incident.reference)
        notifications.announce(change, Event.STATUS, entry)
        mitigation.look_now(change)
        mitigation.look_regularly(change)
        relapse.consider(change)
        change.show()
        return Outcome.done("reopened", quiet=True, reference=incident.reference)

    return act_on(session, house, number, actor, now, "reopen", work, live=False)


def _status_again(incident: Incident) -> Status:
    if incident.mitigated_at is not None:
        return Status.MITIGATED
    return Status.ACKNOWLEDGED if incident.owner else Status.OPEN


@command("reviewed", RESPONDERS, offered={Stage.RESOLVED: 10}, action="incident.review")
def mark_reviewed(
    session: Session, house: House, number: int, actor: Actor, now: datetime
) -> Outcome:
    """The review is read. Refused while something that was left open is open."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        if incident.status == Status.REVIEWED:
            return Outcome.done("reviewed", reference=incident.reference)
        if incident.status != Status.RESOLVED:
            return Outcome.refused("is_live", reference=incident.reference)
        count = len(open_items(session, incident))
        if count:
            return Outcome.refused("review_open", open=count, reference=incident.reference)
        change.status(Status.REVIEWED)
        change.moved()
        entry = change.entry("reviewed", {})
        change.audit("reviewed", incident.reference)
        notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done("reviewed", quiet=True, reference=incident.reference)

    return act_on(session, house, number, actor, now, "reviewed", work, live=False)


def open_items(session: Session, incident: Incident) -> list[FollowUp]:
    """What was open when it was resolved and is not settled yet."""
    return list(
        session.scalars(
            select(FollowUp).where(
                FollowUp.incident_id == incident.id,
                FollowUp.kind == "open_item",
                FollowUp.done_at.is_(None),
            )
        )
    )


__all__ = [
    "ResolveForm",
    "dismiss",
    "mark_reviewed",
    "open_items",
    "reopen",
    "resolve",
]
