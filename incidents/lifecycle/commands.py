"""Commands of an incident that are no step of its runbook.

Each is authorised where it happens, answers what it did or why not, and writes its own timeline
and audit entries. Closing stands in `closing`, other sections and merging in `sections`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from incidents import authorise, loading, people, timeline
from incidents.alerting import escalation, notifications, oncall
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.command_table import Given, Stage, Text, command
from incidents.lifecycle import ownership
from incidents.lifecycle.closing import ResolveForm, dismiss, mark_reviewed, reopen, resolve
from incidents.lifecycle.command_guard import act_on
from incidents.lifecycle.sections import change_section, link, merge
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import ANYBODY_ON_DUTY, OR_OWNER, OWNERS, RESPONDERS, Rule
from incidents.runbooks import forms
from incidents.views import PersonView
from plan.model import Plan
from storage.types import Personal


@command("take", OWNERS)
def take(session: Session, house: House, number: int, actor: Actor, now: datetime) -> Outcome:
    """ "I've got it": offered while nobody has it. Who was second is told who was first.

    Two who press at the same moment must not take it from each other without knowing (rule 5).
    """

    def work(change: Change) -> Outcome:
        incident = change.incident
        if incident.owner == actor.user_id:
            return Outcome.done("already_owner", reference=incident.reference)
        if incident.owner is not None:
            who = people.person(session, incident.owner)
            since = incident.owner_since
            return Outcome.refused("owned", actor=who, at=since, reference=incident.reference)
        ownership.give(change, actor.user_id)
        entry = change.entry("taken", {"from": None})
        change.audit("take", incident.reference, data={"from": None})
        notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done("taken", quiet=True, reference=incident.reference)

    return act_on(session, house, number, actor, now, "take", work)


@command(
    "hand_over",
    OR_OWNER,
    offered={Stage.OWNED: 20},
    form="form_hand_over",
    texts=(Text("note", required=False),),
    arguments=lambda given: {"to": given.text("person"), "note": given.text("note") or None},
)
def hand_over(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    to: str,
    now: datetime,
    *,
    note: str | None = None,
) -> Outcome:
    """Gives it to somebody who can work on it, with what they need to know; they are told."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        taker = people.person(session, to)
        if taker is None:
            return Outcome.refused("field_required", field="person", field_id="person")
        if incident.owner == to:
            return Outcome.refused("owns_already", who=taker, reference=incident.reference)
        if not ownership.may_own(change, to):
            return Outcome.refused("may_not_own", to=taker, roles=list(change.section.may_own))
        said = forms.free_text(change, note, "note", maximum=500, required=False)
        if isinstance(said, Outcome):
            return said
        before = incident.owner
        ownership.give(change, to)
        entry = change.entry("handed_over", {"to": to, "from": before}, text=said.plain or None)
        change.audit("hand_over", to, data={"from": before})
        told = (to,) if to != actor.user_id else ()
        params = {"who": actor.user_id}
        notifications.announce(change, Event.HANDED_OVER, entry, people=told, params=params)
        change.show()
        return Outcome.done("handed_over", quiet=True, to=taker, reference=incident.reference)

    return act_on(session, house, number, actor, now, "hand_over", work)


@command(
    "severity",
    RESPONDERS,
    offered={Stage.UNOWNED: 10, Stage.OWNED: 40},
    form="form_severity",
    texts=(Text("reason", required=False),),
    arguments=lambda given: {
        "severity": given.whole("severity"),
        "reason": given.text("reason") or None,
    },
)
def change_severity(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    severity: int,
    now: datetime,
    *,
    reason: str | None = None,
) -> Outcome:
    """What a person sets stays, whatever the rules say later."""

    def work(change: Change) -> Outcome:
        incident, before = change.incident, change.incident.severity
        if severity == before:
            return Outcome.refused("severity_same", reference=incident.reference, severity=severity)
        if severity not in (1, 2, 3, 4):
            return Outcome.refused("not_offered")
        said = forms.free_text(change, reason, "reason", maximum=500, required=False)
        if isinstance(said, Outcome):
            return said
        incident.severity = severity
        entry = change.entry(
            "severity", {"before": before, "after": severity}, text=said.plain or None
        )
        change.audit("severity", incident.reference, data={"before": before, "after": severity})
        if severity < before:
            escalation.got_worse(change, entry, before)
        else:
            notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done(quiet=True)

    return act_on(session, house, number, actor, now, "severity", work)


def _past(given: Given, plan: Plan | None, now: datetime) -> Outcome | None:
    """A moment in the past is none to wait for."""
    until = given.moment("until")
    if until is None or until > now:
        return None
    return Outcome.refused("wait_past", field_id="until", until=until)


@command(
    "wait",
    OR_OWNER,
    offered={Stage.OWNED: 30},
    form="form_wait",
    texts=(Text("reason"),),
    choices=lambda session, house, incident, now: {"until": house.quiet.next_end(now)},
    judge=_past,
    arguments=lambda given: {"until": given.moment("until"), "reason": given.text("reason")},
)
def wait_until(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    until: datetime | None,
    reason: str,
    now: datetime,
) -> Outcome:
    """Reminders rest until then, and the card says so."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        if until is None or until <= now:
            return Outcome.refused("wait_past", until=until or now)
        said = forms.free_text(change, reason, "reason", maximum=500)
        if isinstance(said, Outcome):
            return said
        ownership.take_by_acting(change)
        incident.quiet_until, incident.quiet_reason = until, said.personal
        entry = change.entry("waiting", {"until": until.isoformat()}, text=said.personal)
        change.audit("wait", incident.reference, data={"until": until.isoformat()})
        escalation.timer(change, "wait_over", until)
        notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done("waiting", quiet=True, until=until)

    return act_on(session, house, number, actor, now, "wait", work)


@command(
    "note",
    ANYBODY_ON_DUTY,
    offered={Stage.OWNED: 90, Stage.RESOLVED: 30, Stage.REVIEWED: 20, Stage.DISMISSED: 20},
    form="form_note",
    texts=(Text("note", forms.TEXT_MAXIMUM),),
    arguments=lambda given: {"text": given.text("note")},
)
def note(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    text: str,
    now: datetime,
    *,
    in_thread: bool = False,
    source: str | None = None,
    known: tuple[str, ...] = (),
) -> Outcome:
    """A note for the record. `in_thread`: it stands in the thread already (📌, shortcut), so it is
    not posted again; `source` (channel and ts) keeps a second 📌 from adding it twice."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        for entry in timeline.entries(session, incident.id) if source else ():
            if entry.data.get("source") == source:
                return Outcome.done("noted", reference=incident.reference)
        said = forms.free_text(change, text, "note", known=known)
        if isinstance(said, Outcome):
            return said
        kind = "pinned" if in_thread else "note"
        entry = change.entry(kind, {"source": source}, text=said.personal)
        change.audit("note", incident.reference, data={"entry": entry.sequence})
        if not in_thread:
            notifications.announce(change, Event.STATUS, entry)
        return Outcome.done("noted", reference=incident.reference)

    return act_on(session, house, number, actor, now, "note", work, live=False)


@command(
    "escalate",
    ANYBODY_ON_DUTY,
    offered={Stage.UNOWNED: 40, Stage.OWNED: 50},
    form="form_escalate",
    texts=(Text("reason", required=False),),
    arguments=lambda given: {
        "to": given.values.get("person"),
        "reason": given.text("reason") or None,
    },
)
def escalate(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    now: datetime,
    *,
    to: str | None = None,
    reason: str | None = None,
) -> Outcome:
    """Rings the next in line who neither asked nor has it, at any hour."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        said = forms.free_text(change, reason, "reason", maximum=500, required=False)
        if isinstance(said, Outcome):
            return said
        line = (to,) if to else escalation.chain(change) + oncall.in_role(house, "managers", now)
        rung = {
            entry.data.get("to")
            for entry in timeline.entries(session, incident.id)
            if entry.kind == "escalated"
        }
        known = {actor.user_id, incident.owner} | (rung if to is None else set())
        line = tuple(one for one in line if authorise.may_see(house, incident, one))
        target = next((person for person in line if person not in known), None)
        if target is None:
            if not house.page:
                return Outcome.refused("nobody_to_escalate")
            escalation.page(change, f"asked-{now.timestamp():.0f}")
            change.show()
            return Outcome.done("escalated", to=None)
        entry = change.entry("escalated", {"to": target}, text=said.plain or None)
        change.audit("escalate", target)
        params = {"why": "escalated", "who": actor.user_id, "entry": entry.sequence}
        notifications.announce(change, Event.ESCALATED, entry, people=(target,), params=params)
        change.show()
        return Outcome.done("escalated", to=people.people(session, (target,)))

    return act_on(session, house, number, actor, now, "escalate", work)


@command(
    "reveal",
    Rule(("cs", "managers")),
    offered=dict.fromkeys(Stage, 100),
    offered_if=lambda change: bool(told_in_words(change)),
)
def reveal(session: Session, house: House, number: int, actor: Actor, now: datetime) -> Outcome:
    """What a person declared, in their own words: by role, audited, for that reader alone.

    `params["texts"]`: (when, who, words). They are personal and belong in an ephemeral view only.
    """

    def work(change: Change) -> Outcome:
        texts = told_in_words(change)
        change.entry("revealed", {"texts": len(texts)})
        reference = change.incident.reference
        change.audit("reveal", reference, data={"texts": len(texts)})
        return Outcome.done("revealed", texts=texts, reference=reference)

    return act_on(session, house, number, actor, now, "reveal", work, live=False)


Told = tuple[datetime, PersonView | None, str]


def told_in_words(change: Change) -> tuple[Told, ...]:
    """What stands nowhere but in the database: the words that a form kept as personal."""
    incident = change.incident
    texts: list[Told] = []
    if incident.description is not None:
        by = people.person(change.session, incident.created_by)
        texts.append((incident.detected_at, by, incident.description.reveal()))
    for run in change.every_run:
        for place in change.places(run):
            stored = place.row.fields
            if place.row.at is None or not isinstance(stored, dict):
                continue
            by = people.person(change.session, place.row.actor)
            values = stored.get("values", {})
            texts += [
                (place.row.at, by, str(values[name]))
                for name in stored.get("personal", ())
                if values.get(name)
            ]
    return tuple(texts)


def edit_note(
    session: Session, house: House, number: int, sequence: int, text: str, now: datetime
) -> None:
    """A pinned reply was edited in Slack: the record follows, and says when."""
    incident = loading.incident_of(session, number, lock=True)
    entry = timeline.entry_of(session, incident.id, sequence) if incident is not None else None
    if incident is None or entry is None or entry.kind not in ("note", "pinned"):
        return
    change = Change(session, house, incident, Actor(entry.actor), now)
    if isinstance(forms.free_text(change, text, "note"), Outcome):
        return
    entry.text, entry.edited_at = Personal(text.strip()), now
    change.audit("note_edited", incident.reference, data={"entry": sequence})


__all__ = [
    "ResolveForm",
    "change_section",
    "change_severity",
    "dismiss",
    "edit_note",
    "escalate",
    "hand_over",
    "link",
    "mark_reviewed",
    "merge",
    "note",
    "reopen",
    "resolve",
    "reveal",
    "take",
    "told_in_words",
    "wait_until",
]
