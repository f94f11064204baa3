"""Declaring: intake by a person, /incident and /complaint open incidents with the plan's declare
forms.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents import authorise
from incidents import facts as facts_of
from incidents import scope as scopes
from incidents.alerting import notifications, quiet_opening
from incidents.alerting.notifications import Event
from incidents.case_totals import case_figures
from incidents.cases import incidents_of_case
from incidents.change import Change
from incidents.lifecycle.opening import Opening, open_incident
from incidents.lifecycle.severity import by_rules
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right
from incidents.runbooks import forms
from incidents.runbooks.forms import Checked
from plan import expressions
from plan.model import IncidentType, Plan
from storage.models import LIVE_STATUSES, Incident

_ORDER = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Declaration:
    """What a person reports: the type, its form, and what the bot looked up for it."""

    incident_type: str
    values: Mapping[str, Any]
    actor: Actor
    source: str = "command"  # or "complaint"
    case: CaseFound | None = None  # the order that is named, as the shop knows it
    known: tuple[str, ...] = ()  # the customer's own data, for screening what was typed


def declarable(plan: Plan) -> list[tuple[str, IncidentType]]:
    """Types that a person can declare, with their section."""
    return [
        (section.id, kind)
        for section in plan.sections.values()
        for kind in section.types
        if kind.declare is not None
    ]


def find_type(plan: Plan, typed: str) -> IncidentType | None:
    """A type by its own name or by its section's number ("3.3")."""
    wanted = typed.strip().lower().removeprefix("§")
    for section_id, kind in declarable(plan):
        if wanted in (kind.id, section_id):
            return kind
    return None


def declare(session: Session, house: House, report: Declaration, now: datetime) -> Outcome:
    """Opens the incident, or adds to the open one of the same subject; answers which."""
    act = Right.COMPLAINT if report.source == "complaint" else Right.DECLARE
    refused = authorise.refuse_in_house(session, house, report.actor, act, now)
    if refused is not None:
        return refused
    try:
        kind = house.plan.incident_type(report.incident_type)
        house.plan.section_of(report.incident_type)
    except KeyError:
        kind = None
    if kind is None or kind.declare is None:
        known = sorted({name for name, _ in declarable(house.plan)})
        return Outcome.refused("section_unknown", typed=report.incident_type, known=known)
    checked = forms.check(session, house, kind.declare, report.values, known=report.known)
    if isinstance(checked, Outcome):
        return checked
    opening = _opening(kind, report, checked, now)
    incident, is_new = open_incident(session, house, opening, now)
    if is_new:
        _name_others(Change(session, house, incident, report.actor, now), opening)
    code = "declared" if is_new else "declared_existing"
    audience = house.audience(incident.audience)
    return replace(
        Outcome.done(
            code,
            reference=incident.reference,
            at=incident.detected_at,
            channel=audience.channel if audience is not None else None,
        ),
        number=incident.number,
    )


def _opening(kind: IncidentType, report: Declaration, checked: Checked, now: datetime) -> Opening:
    facts: dict[str, Any] = {"received_at": now.isoformat()}
    for field in checked.form.fields:
        if not field.personal and field.id in checked.values:
            facts = facts_of.put(facts, field.fact or field.id, checked.values[field.id])
    started = next(
        (
            datetime.fromisoformat(str(checked.values[field.id]))
            for field in checked.form.fields
            if field.kind == "datetime" and field.id in checked.values
        ),
        None,
    )
    case = report.case or _case(checked)
    if report.case is not None:
        kept = {name: report.case.facts.get(name) for name in ("payment_id", "language")}
        facts |= {"order": report.case.key, **{k: v for k, v in kept.items() if v}}
    return Opening(
        incident_type=kind.id,
        subject=_subject(kind, report, checked),
        source=report.source,
        facts=facts,
        cases=(case,) if case is not None else (),
        started_at=started,
        created_by=report.actor,
        description=checked.quote(),
        quoted=report.source != "complaint",
        fields=scopes.stored_fields(checked.values, checked.personal),
    )


def _case(checked: Checked) -> CaseFound | None:
    """The order that the form names, before the shop was asked about it."""
    order = str(checked.values.get("order") or "").strip()
    return CaseFound("order", order) if order else None


def _subject(kind: IncidentType, report: Declaration, checked: Checked) -> str:
    """The same thing declared twice is one incident; every complaint is its own."""
    if report.source == "complaint":
        return f"complaint:{secrets.token_hex(6)}"
    if kind.subject is not None:
        return expressions.fill(kind.subject, {"form": dict(checked.values)})
    for field in checked.form.fields:
        value = checked.values.get(field.id)
        if field.kind == "text" and not field.personal and value:
            return f"{field.id}:{_ORDER.sub('-', str(value).strip().lower()).strip('-')}"
    return f"{kind.id}:declared"


def _name_others(change: Change, opening: Opening) -> None:
    """An order of another open incident: the new thread says so, the other one notes it."""
    named: set[int] = {change.incident.number}
    for case in opening.cases:
        for other, _ in incidents_of_case(change.session, case.key):
            if not other.live or other.private or other.number in named:
                continue
            named.add(other.number)
            there = Change(change.session, change.house, other, change.actor, change.now)
            if not change.incident.private:
                there.entry("linked", {"other": change.incident.reference})
                there.audit("link", change.incident.reference)
            entry = change.entry("linked", {"other": other.reference})
            change.audit("link", other.reference)
            notifications.announce(change, Event.STATUS, entry)


Ringing = Literal["ask", "ring", "quiet"]
"""What a line that would open a SEV1 does: asks first, rings, or opens it quietly."""


def declare_line(
    session: Session,
    house: House,
    typed: str,
    text: str,
    actor: Actor,
    now: datetime,
    *,
    ringing: Ringing = "ask",
) -> Outcome:
    """`/incident 3.3 card payments fail since 14:00`: one line, what is wrong as description.

    It joins what is open in that section of that subject. What would wake somebody is asked once.
    """
    kind = find_type(house.plan, typed)
    own = Right.COMPLAINT if kind is not None and kind.intake == "complaint" else Right.DECLARE
    refused = authorise.refuse_in_house(session, house, actor, own, now)
    if refused is not None:
        return refused
    if kind is None:
        known = sorted({name for name, _ in declarable(house.plan)})
        return Outcome.refused("section_unknown", typed=typed, known=known)
    if not text.strip():
        return Outcome.refused("text_missing")
    said = forms.free_text(None, text, "text", maximum=1000)
    if isinstance(said, Outcome):
        return said
    facts = {"received_at": now.isoformat()}
    opened = _open_of_line(session, house, kind, said.plain, actor)
    there = None if opened is None else Change(session, house, opened, actor, now)
    rings = _severity_of_line(kind, facts, now) if opened is None else opened.severity
    silent = there is None or quiet_opening.stands(there)
    if silent and ringing == "ask" and rings == 1:
        section = house.plan.section_of(kind.id)
        return Outcome(
            False,
            "line_asks",
            {"section": section.id, "title": kind.title},
            secret={"line": {"section": typed, "text": said.plain}},
            noted=True,
        )
    incident, is_new = open_incident(
        session,
        house,
        Opening(
            incident_type=kind.id if opened is None else opened.incident_type,
            subject=_subject_of_line(kind) if opened is None else opened.subject,
            source="command",
            facts=facts,
            created_by=actor,
            description=said.plain,
            quiet=ringing == "quiet",
        ),
        now,
    )
    if not is_new and ringing == "ring":
        quiet_opening.end(Change(session, house, incident, actor, now))
    code = "declared" if is_new else "declared_existing"
    audience = house.audience(incident.audience)
    return replace(
        Outcome.done(
            code,
            reference=incident.reference,
            at=incident.detected_at,
            channel=audience.channel if audience is not None else None,
        ),
        number=incident.number,
    )


def _subject_of_line(kind: IncidentType) -> str:
    """The type's own subject where it has one for all; every complaint is its own."""
    if kind.intake == "complaint":
        return f"complaint:{secrets.token_hex(6)}"
    fixed = kind.subject is not None and "{" not in kind.subject
    return str(kind.subject) if fixed else f"{kind.id}:declared"


def _open_of_line(
    session: Session, house: House, kind: IncidentType, text: str, actor: Actor
) -> Incident | None:
    """What is open of that type and is meant by the line: the one whose subject the text names,
    else the one that was declared without a subject, else the only one."""
    if kind.intake == "complaint":
        return None
    found = [
        one
        for one in session.scalars(
            select(Incident)
            .where(Incident.incident_type == kind.id, Incident.status.in_(LIVE_STATUSES))
            .order_by(Incident.number)
        )
        if authorise.may_see(house, one, actor.user_id)
    ]
    subject = _subject_of_line(kind)
    named = [one for one in found if _named(one, text)]
    plain = [one for one in found if one.subject == subject]
    return next(iter(named or plain or (found if len(found) == 1 else [])), None)


def _named(incident: Incident, text: str) -> bool:
    """Whether the text has the subject's own word in it ("channel:northpay")."""
    name = incident.subject.partition(":")[2].casefold()
    return (
        name not in ("", "declared")
        and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.casefold()) is not None
    )


def _severity_of_line(kind: IncidentType, facts: Mapping[str, Any], now: datetime) -> int:
    """How severe it would be, with nothing known but the line."""
    scope = {"facts": facts, "cases": case_figures(()), "incident": {}, "steps": {}, "now": now}
    return by_rules(kind, scope)
