"""Incident updates: new figures for an open incident, facts, cases, and whether it got worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents import case_totals, timeline
from incidents import facts as facts_of
from incidents import scope as scopes
from incidents.alerting import escalation, notifications, quiet_opening
from incidents.alerting.notifications import Event
from incidents.change import Change
from incidents.lifecycle import severity as severities
from incidents.organisation import Actor, House
from incidents.runbooks import step_completion
from incidents.shop_actions import told_orders as told
from plan.walk import actions_of
from storage.models import Case, CaseState, Incident

_PROGRESS = {CaseState.WAITING, CaseState.SETTLED}  # a check does not take these back


def add_cases(
    session: Session, incident: Incident, found: Sequence[CaseFound], now: datetime
) -> bool:
    """Adds new cases and brings known ones up to date. Whether anything changed.

    Rows, not objects: a finding may hold ten thousand cases, and the writer must not be kept.
    """
    if not found:
        return False
    session.flush()
    rows = session.connection().execute(case_totals.CASES, {"incident": incident.id})
    known = {(row.kind, row.key): row for row in rows}
    new: dict[tuple[str, str], dict[str, Any]] = {}
    renewed: dict[int, dict[str, Any]] = {}
    for case in found:
        row = known.get((case.kind, case.key))
        if row is not None:
            values = _renewed(row, case, now)
            if values is not None:
                renewed[row.id] = {**values, "id": row.id, "updated_at": now}
            continue
        new[case.kind, case.key] = {
            "incident_id": incident.id,
            "kind": case.kind,
            "key": case.key,
            "state": case.state,
            "amount_minor": case.amount.minor if case.amount else None,
            "amount_currency": case.amount.currency if case.amount else None,
            "customer_key": case.customer_key,
            "facts": dict(case.facts),
            "updated_at": now,
        }
    if new:
        session.execute(insert(Case), list(new.values()))
    if renewed:
        session.execute(update(Case), list(renewed.values()))
    return bool(new or renewed)


def _renewed(row: Any, found: CaseFound, now: datetime) -> dict[str, Any] | None:
    """What was done for the case stays, unless it has waited for that too long; what is known of it
    is renewed. None: it is as it was."""
    facts = facts_of.merged(row.facts, found.facts)
    state, outcome = row.state, row.outcome
    if state == CaseState.WAITING and facts_of.waited_too_long(facts, now):
        facts = {name: value for name, value in facts.items() if name != facts_of.WAITS_UNTIL}
        state, outcome = found.state, None
    elif state not in _PROGRESS and outcome is None:
        state = found.state
    values = {
        "facts": facts,
        "state": state,
        "outcome": outcome,
        "customer_key": found.customer_key or row.customer_key,
        "amount_minor": found.amount.minor if found.amount else row.amount_minor,
        "amount_currency": found.amount.currency if found.amount else row.amount_currency,
    }
    same = all(getattr(row, name) == value for name, value in values.items())
    return None if same else values


def update_incident(
    session: Session,
    house: House,
    incident: Incident,
    facts: Mapping[str, Any],
    cases: Sequence[CaseFound],
    now: datetime,
    *,
    actor: Actor,
    source: str,
    description: str | None = None,
    severity: int | None = None,
    found: bool = False,
) -> bool:
    """Takes over what is new. Silent, unless it got worse. Whether anything changed.

    `found`: a check finds it, often enough to open it: what a person opened quietly rings by that.
    """
    change = Change(session, house, incident, actor, now)
    brought = dict(facts)
    if incident.mitigated_at is not None and not actor.is_person:
        brought = facts_of.present(facts, change.kind.present)
    newer = facts_of.merged(incident.facts, brought)
    if cases and "orders" in facts:
        newer = {**newer, "unlisted": case_totals.unlisted_of(facts, cases)}
    changed = newer != incident.facts
    if changed:
        incident.facts = newer
    if add_cases(session, incident, cases, now):
        changed = True
        told.inherit(session, incident, actions_of(change.plan, change.section))
        step_completion.follow_cases(change)
    session.flush()
    if description:
        entry = change.entry("note", {"source": source}, text=description)
        notifications.announce(change, Event.STATUS, entry)
        change.audit("note", incident.reference, data={"entry": entry.sequence})
    rung = incident.mitigated_at is None and _got_worse(change, severity)
    if found:
        quiet_opening.end(change, rung=rung)
    if changed or description:
        change.show()
    return changed


def _got_worse(change: Change, severity: int | None) -> bool:
    """Says so when the severity rose by the rules, or twice as many cases are affected.

    What is found with a relapse is the relapse, which was said and rung. Whether who must act was
    rung by it, because nobody has it.
    """
    session, incident = change.session, change.incident
    scope = change.scope
    total = int(scope["cases"]["total"])
    wanted = severity or severities.by_rules(change.kind, scope)
    last = timeline.last_of(session, incident.id, "found", "declared", "got_worse", "relapsed")
    told = int(last.data.get("cases_total", 0)) if last is not None else 0
    data: dict[str, Any] = {}
    if wanted < incident.severity and not severities.set_by_a_person(session, incident):
        data |= {"before": incident.severity, "after": wanted}
        incident.severity = wanted
    if told and total >= 2 * told:
        data |= {"before_cases": told, "after_cases": total}
    elif total and not told and last is not None:
        last.data = {**last.data, "cases_total": total}  # the first count is no worsening
    if not data:
        return False
    data |= {"cases_total": total, "scope": scopes.snapshot(change.scope)}
    entry = change.entry("got_worse", data)
    change.audit("got_worse", incident.reference, data={k: data[k] for k in data if k != "scope"})
    return escalation.got_worse(change, entry, data.get("before"))
