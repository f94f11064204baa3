"""Another section, another incident: the runbook changes, thread, log and cases stay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from incidents import authorise, loading
from incidents import scope as scopes
from incidents.alerting import escalation, notifications
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.command_table import Stage, command
from incidents.lifecycle import closing_state, hold
from incidents.lifecycle import severity as severities
from incidents.lifecycle.command_guard import act_on
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import RESPONDERS, Right
from incidents.runbooks import follow_up_prompts, runbook, step_completion
from plan.model import IncidentType, Section
from storage.models import Case, Incident, Status


def _other_types(
    session: Session, house: House, incident: Incident, now: datetime
) -> dict[str, Any]:
    """Every incident type of the plan but its own, with the section it stands in."""
    return {
        "sections": [
            (kind.id, section.id, kind.title)
            for section in house.plan.sections.values()
            for kind in section.types
            if kind.id != incident.incident_type
        ]
    }


@command(
    "section",
    RESPONDERS,
    offered={Stage.UNOWNED: 30, Stage.OWNED: 60},
    form="form_section",
    choices=_other_types,
    arguments=lambda given: {"to": given.text("section")},
)
def change_section(
    session: Session, house: House, number: int, actor: Actor, to: str, now: datetime
) -> Outcome:
    """Wrong section. `to` is an incident type, or a section (then its first type)."""

    def work(change: Change) -> Outcome:
        found = _find(change, to)
        if found is None:
            return Outcome.refused("section_unknown", typed=to, known=sorted(change.plan.sections))
        section, kind = found
        incident = change.incident
        if section.id == incident.section and kind.id == incident.incident_type:
            return Outcome.refused("section_same", reference=incident.reference, section=section.id)
        if closing_state.pending(change):
            return Outcome.refused("step_running", at=None)
        wanted = Incident.fingerprint_of(section.id, incident.subject)
        other = loading.live_incident(session, wanted)
        if other is not None and other.id != incident.id:
            return Outcome.refused(
                "declared_existing", reference=other.reference, at=other.detected_at
            )
        _change(change, section, kind, wanted)
        return Outcome.done(quiet=True)

    return act_on(session, house, number, actor, now, "section", work)


def _find(change: Change, to: str) -> tuple[Section, IncidentType] | None:
    section = change.plan.sections.get(to)
    if section is not None:
        return (section, section.types[0]) if section.types else None
    try:
        return change.plan.section_of(to), change.plan.incident_type(to)
    except KeyError:
        return None


def _change(change: Change, section: Section, kind: IncidentType, fingerprint: str) -> None:
    session, incident = change.session, change.incident
    before = incident.section
    for run in change.runs:
        run.state, run.ended_at = "replaced", change.now
    hold.end(change)
    incident.section, incident.incident_type = section.id, kind.id
    incident.family, incident.customer_impact = kind.family, kind.customer_impact
    incident.fingerprint = fingerprint
    # A thread cannot move to another channel; what is private from now on is not made public.
    incident.private = incident.private or kind.private
    if not severities.set_by_a_person(session, incident):
        incident.severity = severities.by_rules(kind, change.scope)
    change.moved()
    # The thread's runbook message becomes the new section's: there is one, and it is current.
    runbook.start_run(change, section, opened_by=change.actor.user_id)
    entry = change.entry(
        "section",
        {"before": before, "after": section.id, "scope": scopes.snapshot(change.scope)},
    )
    change.audit(
        "section", incident.reference, data={"before": before, "after": section.id, "type": kind.id}
    )
    notifications.announce(change, Event.STATUS, entry)
    follow_up_prompts.desk_note(change)
    change.show()


def _others(session: Session, house: House, incident: Incident, now: datetime) -> dict[str, Any]:
    """The other open incidents, as lists show them."""
    from incidents.read.lists import incident_list  # it draws with what stands here

    found = incident_list(session, house, now)
    return {"incidents": [item for item in found if item.number != incident.number]}


@command(
    "merge",
    RESPONDERS,
    offered={Stage.OWNED: 70},
    form="form_merge",
    choices=_others,
    arguments=lambda given: {"other": given.whole("other"), "links": given.text("how") == "link"},
)
def join(
    session: Session,
    house: House,
    number: int,
    actor: Actor,
    other: int,
    now: datetime,
    *,
    links: bool,
) -> Outcome:
    """Merged into the other thread, or linked with it: what the form was asked for."""
    return (link if links else merge)(session, house, number, actor, other, now)


def merge(
    session: Session, house: House, number: int, actor: Actor, into: int, now: datetime
) -> Outcome:
    """Goes on in the other thread: cases move there, this card says where."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        if into == incident.number:
            return Outcome.refused("merge_self")
        other = loading.incident_of(session, into, lock=True)
        if other is None:
            return Outcome.refused("not_found", reference=f"INC-{into}")
        into_change = Change(session, house, other, actor, now)
        refused = authorise.refuse(into_change, "merge")  # its cases change as well
        if refused is not None:
            return refused
        if not other.live:
            return Outcome.refused("merge_closed", into=other.reference)
        if other.private != incident.private:
            return Outcome.refused("not_offered")  # a private one would become public
        if closing_state.pending(change):
            return Outcome.refused("step_running", at=None)
        _merge(change, into_change)
        return Outcome.done(
            "merged", quiet=True, reference=incident.reference, into=other.reference
        )

    return act_on(session, house, number, actor, now, "merge", work)


def _merge(change: Change, into: Change) -> None:
    session, incident, other = change.session, change.incident, into.incident
    moved = move_cases(session, incident, other)
    incident.merged_into = other.id
    incident.resolved_at = change.now
    change.status(Status.MERGED)
    hold.end(change)
    for run in change.runs:
        run.state, run.ended_at = "replaced", change.now
    change.moved()
    entry = change.entry("merged", {"into": other.reference})
    change.audit("merge", incident.reference, data={"into": other.reference, "cases": moved})
    notifications.announce(change, Event.STATUS, entry)
    escalation.page_says(change, "resolve")
    change.show()
    here = {run.section for run in into.runs}
    into.moved()
    if incident.section not in here and incident.section in into.plan.sections:
        step_completion.add_section(into, incident.section)
    step_completion.follow_cases(into)
    there = into.entry("merged_here", {"other": incident.reference, "cases": moved})
    into.audit("merged_here", other.reference, data={"other": incident.reference})
    notifications.announce(into, Event.STATUS, there)
    into.show()


def move_cases(session: Session, source: Incident, target: Incident) -> int:
    """Cases that the target does not have go there; those that it has stay as the record."""
    session.flush()
    known = {
        (row.kind, row.key)
        for row in session.execute(select(Case.kind, Case.key).where(Case.incident_id == target.id))
    }
    moved = 0
    for case in session.scalars(select(Case).where(Case.incident_id == source.id)).all():
        if (case.kind, case.key) not in known:
            case.incident_id = target.id
            moved += 1
    session.flush()
    return moved


def link(
    session: Session, house: House, number: int, actor: Actor, other: int, now: datetime
) -> Outcome:
    """Both threads name each other; each goes on by itself."""

    def work(change: Change) -> Outcome:
        incident = change.incident
        if other == incident.number:
            return Outcome.refused("merge_self")
        found = loading.incident_of(session, other, lock=True)
        if found is None:
            return Outcome.refused("not_found", reference=f"INC-{other}")
        there = Change(session, house, found, actor, now)
        refused = authorise.refuse(there, Right.LINK)  # its thread says so as well
        if refused is not None:
            return refused
        if found.private and not incident.private:
            return Outcome.refused("not_offered")
        link_two(change, there)
        return Outcome.done("linked", reference=incident.reference, other=found.reference)

    return act_on(session, house, number, actor, now, Right.LINK, work)


def link_two(change: Change, other: Change) -> None:
    for one, two in ((change, other), (other, change)):
        entry = one.entry("linked", {"other": two.incident.reference})
        one.audit("link", two.incident.reference)
        notifications.announce(one, Event.STATUS, entry)
