"""Opening an incident, and bringing new figures to one that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents import case_totals, loading
from incidents import facts as facts_of
from incidents import scope as scopes
from incidents.alerting import escalation, notifications, reachability
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.lifecycle import severity
from incidents.lifecycle.incident_updates import add_cases, update_incident
from incidents.organisation import SYSTEM_ACTOR, Actor, House
from incidents.runbooks import follow_up_prompts, runbook, stalled_steps
from incidents.shop_actions import told_orders
from incidents.sources import alert_of
from plan.model import IncidentType, Section
from plan.walk import actions_of
from storage import numbers, outbox
from storage.dialect import insert_into, is_postgres
from storage.models import Incident, PlanContent, Status
from storage.types import Personal

_FOLLOWS_WITHIN = timedelta(hours=24)


class UnknownType(ValueError):
    """The plan has no incident type of that name (1.1): nothing is opened."""


@dataclass(frozen=True)
class Opening:
    """What is known when an incident opens. No personal data stands in facts or cases."""

    incident_type: str
    subject: str
    source: str  # "check:NAME", "alert:DOOR", "command", "complaint"
    facts: Mapping[str, Any] = field(default_factory=dict)
    cases: Sequence[CaseFound] = ()
    severity: int | None = None  # None: the plan's rules decide
    started_at: datetime | None = None
    created_by: Actor | None = None  # None: a check
    description: str | None = None  # a person's words, or those of the system that sent the alert
    quiet: bool = False  # a person wants nobody rung for it
    quoted: bool = True  # the words stand in the thread; a customer's complaint does not
    fields: Mapping[str, Any] | None = None  # the form, as `scope.stored_fields` keeps it


class Opened(NamedTuple):
    """`is_new` is false where another was quicker: its incident took the news up."""

    incident: Incident
    is_new: bool


def open_incident(session: Session, house: House, opening: Opening, now: datetime) -> Opened:
    """Opens the incident, or brings what is new to the open one of that subject and section.

    One transaction: incident, cases, the first run with its steps, timeline, audit, the card that
    rings, the runbook message, the first log line, timers. Raises UnknownType.
    """
    try:
        section = house.plan.section_of(opening.incident_type)
        kind = house.plan.incident_type(opening.incident_type)
    except KeyError:
        raise UnknownType(f"“{opening.incident_type}” is no incident type of the plan") from None
    number = numbers.take(session)  # also keeps two openings of one subject apart
    live = loading.live_incident(session, Incident.fingerprint_of(section.id, opening.subject))
    if live is not None:
        update_incident(
            session,
            house,
            live,
            opening.facts,
            opening.cases,
            now,
            actor=opening.created_by or SYSTEM_ACTOR,
            source=opening.source,
            description=opening.description,
            severity=opening.severity,
            found=opening.created_by is None,
        )
        return Opened(live, False)
    numbers.give(session, number)
    incident = _write(session, house, opening, section, kind, number, now)
    change = Change(session, house, incident, opening.created_by or SYSTEM_ACTOR, now)
    _tell(change, opening, section, kind)
    return Opened(incident, True)


def _write(
    session: Session,
    house: House,
    opening: Opening,
    section: Section,
    kind: IncidentType,
    number: int,
    now: datetime,
) -> Incident:
    _keep_plan(session, house, now)
    facts = facts_of.merged({}, opening.facts)
    unlisted = case_totals.unlisted_of(facts, opening.cases)
    if unlisted is not None:
        facts["unlisted"] = unlisted
    incident = Incident(
        number=number,
        incident_type=kind.id,
        family=kind.family,
        section=section.id,
        subject=opening.subject,
        fingerprint=Incident.fingerprint_of(section.id, opening.subject),
        severity=opening.severity or kind.severity,
        status=Status.OPEN,
        customer_impact=kind.customer_impact,
        private=kind.private,
        audience=house.audience_of(kind.audience, private=kind.private),
        source=opening.source,
        created_by=opening.created_by.user_id if opening.created_by else None,
        plan_version=house.loaded.version,
        plan_hash=house.loaded.hash,
        version=1,
        facts=facts,
        opening_facts=facts,
        description=Personal(opening.description) if opening.description else None,
        started_at=min(opening.started_at or now, now),
        detected_at=now,
        failing=opening.created_by is None,
        checked_at=now if opening.created_by is None else None,
    )
    session.add(incident)
    session.flush()
    if add_cases(session, incident, opening.cases, now):
        told_orders.inherit(session, incident, actions_of(house.plan, section))
    session.flush()
    if opening.severity is None:
        incident.severity = severity.by_rules(kind, scopes.build(session, incident, now))
    return incident


def _tell(change: Change, opening: Opening, section: Section, kind: IncidentType) -> None:
    session, incident, now = change.session, change.incident, change.now
    by = opening.created_by.user_id if opening.created_by else opening.source
    run = runbook.start_run(change, section, opened_by=by, fields=opening.fields)
    asked = change.house.asked(kind.role)
    group = () if opening.quiet else notifications.ring_role(change, asked)
    outbox.post(
        session,
        key=f"{incident.reference}/card",
        template="card",
        incident=incident,
        audience=incident.audience,
        ring=group,
        priority=outbox.CARD_PRIORITY,
        now=now,
    )
    runbook.post_runbook(change, run, f"{incident.reference}/runbook")
    check = opening.facts.get("check") if isinstance(opening.facts.get("check"), dict) else None
    kind_of_entry = "found" if opening.created_by is None else "declared"
    data: dict[str, Any] = {"cases_total": len(opening.cases), "source": opening.source}
    if check is not None:
        told = ("name", "failures", "failed_runs", "of_runs")
        data |= {"check" if key == "name" else key: check.get(key) for key in told}
    if (door := alert_of(opening.source)) is not None:
        data["door"] = door
    if opening.quiet:
        data["quiet"] = True
    data["scope"] = scopes.snapshot(change.scope)
    said = opening.description if opening.quoted else None
    entry = change.entry(kind_of_entry, data, text=said, actor=by)
    notifications.announce(change, Event.STATUS, entry)
    if incident.facts.get("picture"):
        outbox.post(
            session,
            key=f"{incident.reference}/picture",
            template="picture",
            incident=incident,
            audience=incident.audience,
            thread_key=f"{incident.reference}/card",
            now=now,
        )
    change.audit(
        "open",
        incident.reference,
        data={"type": kind.id, "section": section.id, "subject": opening.subject, "by": by},
        after=dict(incident.facts),
    )
    follow_up_prompts.desk_note(change)
    _follow(change)
    if not opening.quiet:
        escalation.start(change)
    if group:
        escalation.timer(change, "ring_absent", now, key="1")
    reachability.look_at(change)
    stalled_steps.watch(change)


def _follow(change: Change) -> None:
    """What was resolved a day ago at most and is felt again: both threads name each other."""
    incident = change.incident
    earlier = change.session.scalar(
        select(Incident)
        .where(
            Incident.fingerprint == incident.fingerprint,
            Incident.id != incident.id,
            Incident.status.in_((Status.RESOLVED, Status.REVIEWED)),
            Incident.resolved_at >= change.now - _FOLLOWS_WITHIN,
        )
        .order_by(Incident.resolved_at.desc())
        .limit(1)
    )
    if earlier is None:
        return
    incident.follows = earlier.id
    before = Change(change.session, change.house, earlier, change.actor, change.now)
    for one, other in ((change, earlier), (before, incident)):
        kind = "follows" if one is change else "followed"
        entry = one.entry(kind, {"other": other.reference})
        one.audit(kind, other.reference)
        notifications.announce(one, Event.STATUS, entry)
    before.show()


def _keep_plan(session: Session, house: House, now: datetime) -> None:
    """Keeps the plan's content by its hash, once (decision 5)."""
    if session.get(PlanContent, house.loaded.hash) is not None:
        return
    session.execute(
        insert_into(PlanContent, postgres=is_postgres(session))
        .values(
            hash=house.loaded.hash,
            version=house.loaded.version,
            content=house.loaded.content,
            stored_at=now,
        )
        .on_conflict_do_nothing()
    )
