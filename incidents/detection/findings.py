"""Findings of checks: opening after N failures in a row, recovered after M successes.

Flapping stays one incident; a check that could not run says nothing about the shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from checks.model import CaseFound, CheckResult, Finding
from incidents import case_totals as figures_of
from incidents import facts as facts_of
from incidents import loading
from incidents.cases import reopen_found, settle_found
from incidents.change import Change
from incidents.detection import (
    check_outage,
    correlation,
    failing_share,
    grouping,
    impact,
    recovery,
    shadow,
    silence,
    source_facts,
)
from incidents.detection.grouping import Storm
from incidents.detection.savepoints import Apart, Each
from incidents.detection.screening import screened
from incidents.lifecycle.incident_updates import update_incident
from incidents.lifecycle.opening import Opening, open_incident
from incidents.organisation import SYSTEM_ACTOR, Actor, House
from storage.models import LIVE_STATUSES, Case, CheckState, Incident, Status

NOT_LOOKED_AT = "not looked at"  # `CheckState.last_error` of a subject
AT_MOST = 500  # subjects in order that one transaction takes up


def in_parts(result: CheckResult) -> list[CheckResult]:
    """The result as several, each to be taken up in a transaction of its own, in this order.

    A storm that is over has thousands of subjects in order at once, and the writer must not be
    kept: on SQLite it is the only one. Findings are not divided, since a storm is one incident
    that is told of once.
    """
    healthy = result.healthy_subjects
    chunks = [healthy[at : at + AT_MOST] for at in range(0, len(healthy), AT_MOST)] or [()]
    blank = replace(result, findings=(), not_looked_at=(), settled={})
    parts = [replace(blank, healthy_subjects=chunk) for chunk in chunks]
    parts[0] = replace(parts[0], findings=result.findings, not_looked_at=result.not_looked_at)
    parts[1:] = [replace(part, later_part=True) for part in parts[1:]]
    parts[-1] = replace(parts[-1], settled=result.settled)
    return parts


@dataclass(frozen=True)
class Taken:
    """What a result led to: numbers of incidents that were opened, updated or recovered, and the
    subjects that could not be taken up."""

    opened: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    recovered: tuple[int, ...] = ()
    failed: tuple[str, ...] = ()


def take_check_result(session: Session, house: House, result: CheckResult, now: datetime) -> Taken:
    """Counts per check and subject, and opens, updates or recovers incidents.

    One finding that cannot be taken up does not spoil the rest, and counts as not having looked.
    """
    result = screened(result)
    # Locked: of two results of one check at the same moment, the second sees what the first did.
    itself = _state(session, result.name, "", lock=True)
    if result.later_part:
        if result.shadow:
            return Taken()
        return _take_apart(session, house, itself, result, now)
    itself.last_run_at, itself.last_error = result.ran_at, result.error
    itself.figures = {**check_outage.kept(itself, result), **shadow.kept(itself.figures, result)}
    if result.took is not None:
        itself.last_duration_ms = round(result.took * 1000)
    if result.error is not None:
        check_outage.could_not_look(session, house, itself, result, now)
        return Taken()
    if result.shadow:
        check_outage.looks_again(session, itself, result, now)
        return Taken()
    return _take_apart(session, house, itself, result, now)


def _take_apart(
    session: Session, house: House, itself: CheckState, result: CheckResult, now: datetime
) -> Taken:
    apart = Apart(session, result.name)
    taken = apart.all_or_each(lambda each: _take(session, house, result, now, each))
    if result.of_alert:  # who sent it has no need to look again: it is worked on again
        return replace(taken, failed=tuple(apart.failed))
    if apart.failed:
        itself.last_error = f"not taken up, by an error of Muster: {', '.join(apart.failed)}"
        result = replace(result, error=itself.last_error)
        check_outage.could_not_look(session, house, itself, result, now)
    elif not result.later_part:
        check_outage.looks_again(session, itself, result, now)
    return taken


def _take(session: Session, house: House, result: CheckResult, now: datetime, each: Each) -> Taken:
    """`each` carries out what is to be done for one subject; None when that failed."""
    opened: list[int] = []
    updated: list[int] = []
    recovered: list[int] = []
    run = _Run(
        states=_states(session, result),
        live=grouping.live_fingerprints(session),
        storm=Storm(house.storm_after),
    )
    for finding in result.findings:
        found = each(finding.subject, partial(_failed, session, house, result, finding, now, run))
        number, is_new = found or (None, False)
        if number is not None:
            (opened if is_new else updated).append(number)
            run.storm.opened += is_new
    taken_up = each("storm", lambda: list(grouping.take_up(session, house, result, run.storm, now)))
    for stormed, is_new in taken_up or ():
        (opened if is_new else updated).append(stormed.number)
    for subject in result.healthy_subjects:
        number = each(subject, partial(_passed, session, house, result, subject, now, run))
        if number is not None:
            recovered.append(number)
    run.keep(session)
    ended = each(
        "storm",
        lambda: list(grouping.settle(session, house, result, run.storm, run.states, now)),
    )
    for over in ended or ():
        recovered.append(over.number)
    for subject in result.not_looked_at:
        each(subject, partial(_not_looked_at, session, result, subject, run))
    for subject, settled in result.settled.items():
        each(subject, partial(_settle, session, house, result, subject, settled, now))
    return Taken(tuple(opened), tuple(updated), tuple(recovered))


def _settle(
    session: Session,
    house: House,
    result: CheckResult,
    subject: str,
    settled: tuple[CaseFound, ...],
    now: datetime,
) -> None:
    """Cases of the subject's incident that are in order again.

    In one of another type, into which it was joined or merged, the cases are others' and wait for
    something else: there only what is said to have become of an order ends it, as that it is paid.
    """
    state = _state(session, result.name, subject)
    incident = _incident(session, state)
    if incident is None:
        return
    if not _its_own(session, state, incident):
        settled = tuple(case for case in settled if case.facts.get("outcome"))
    settle_found(Change(session, house, incident, _actor(result), now), settled)


def _not_looked_at(session: Session, result: CheckResult, subject: str, run: _Run) -> None:
    """It failed, and whether it does is not known: neither a failure nor a success."""
    state = run.state(session, result.name, subject)
    state.last_error = NOT_LOOKED_AT


@dataclass(frozen=True)
class _Run:
    """What is read once for all findings of a run."""

    states: dict[str, CheckState]
    live: frozenset[str]  # fingerprints of open incidents
    storm: Storm
    fresh: dict[str, CheckState] = field(default_factory=dict)  # written in one go by `keep`
    incidents: dict[int, Incident | None] = field(default_factory=dict)  # by number, locked

    def state(self, session: Session, name: str, subject: str) -> CheckState:
        found = self.states.get(subject)
        if found is None:
            found = self.states[subject] = self.fresh[subject] = _made(name, subject)
        return found

    def keep(self, session: Session) -> None:
        """Writes the states that are new, in one statement, before it is asked who still fails."""
        columns = CheckState.__table__.columns.keys()
        rows = [{c: getattr(state, c) for c in columns} for state in self.fresh.values()]
        if rows:
            session.execute(insert(CheckState), rows)

    def incident(self, session: Session, state: CheckState) -> Incident | None:
        """What the subject led to, if it is open; of ten thousand subjects it is often the same."""
        number = state.figures.get("incident")
        if not number:
            return None
        if number not in self.incidents:
            self.incidents[number] = _incident(session, state)
        found = self.incidents[number]
        return found if found is not None and found.live else None


def _states(session: Session, result: CheckResult) -> dict[str, CheckState]:
    """Of the subjects that the result speaks of."""
    subjects = [finding.subject for finding in result.findings]
    subjects += [*result.healthy_subjects, *result.not_looked_at]
    wanted = select(CheckState).where(CheckState.name == result.name)
    if len(subjects) <= 2 * AT_MOST:
        wanted = wanted.where(CheckState.subject.in_(subjects))
    return {row.subject: row for row in session.scalars(wanted)}


def _actor(result: CheckResult) -> Actor:
    return Actor(result.source)


def _state(session: Session, name: str, subject: str, *, lock: bool = False) -> CheckState:
    found = session.get(CheckState, (name, subject), with_for_update=lock or None)
    return found or _fresh(session, name, subject)


def _fresh(session: Session, name: str, subject: str) -> CheckState:
    made = _made(name, subject)
    session.add(made)
    return made


def _made(name: str, subject: str) -> CheckState:
    return CheckState(
        name=name, subject=subject, failures=0, successes=0, failing=False, figures={}
    )


def _failed(
    session: Session,
    house: House,
    result: CheckResult,
    finding: Finding,
    now: datetime,
    run: _Run,
) -> tuple[int | None, bool]:
    """One more failure of the subject. The incident's number, and whether it is new."""
    state = run.state(session, result.name, finding.subject)
    incident = run.incident(session, state)
    in_storm = incident is not None and grouping.is_storm(incident)
    if incident is not None and in_storm and state.failing and state.failures:
        grouping.goes_on(run.storm, result, incident, (state, finding, finding.facts))
        return None, False
    if state.failures == 0:
        state.first_failure_at = result.ran_at
    found_before = state.last_failure_at
    state.failures, state.successes = state.failures + 1, 0
    state.last_failure_at = state.last_run_at = result.ran_at
    state.last_error = None
    failing_share.note(state, result)
    facts = {**finding.facts, **source_facts.found(result, state)}
    by_share = failing_share.reached(state, result)
    if finding.sure or by_share or state.failures >= result.open_after:
        state.failing = True
    if incident is not None and in_storm:
        run.storm.add(state, finding, facts, incident.subject)
        return None, False
    if incident is None:
        section = house.plan.section_of(finding.incident_type).id
        fingerprint = Incident.fingerprint_of(section, finding.subject)
        if fingerprint in run.live:
            incident = loading.live_incident(session, fingerprint)
    if incident is not None:
        _note(state, incident)
        change = Change(session, house, incident, _actor(result), now)
        facts = {**finding.facts, **source_facts.found_again(result, state, finding)}
        figures = correlation.facts_for(incident, finding, facts)
        if incident.hold is not None and not finding.felt:  # what it was like stays as it was
            figures = facts_of.present(figures, change.kind.present)

        def brought_up_to_date() -> None:
            update_incident(
                session,
                house,
                incident,
                figures,
                finding.cases,
                now,
                actor=change.actor,
                source=result.source,
                severity=finding.severity,
                found=finding.felt and state.failing,
            )

        listed = figures_of.unlisted_of(finding.facts, finding.cases) is None
        if listed or incident.recovered_at is not None:  # else a case may be there and not named
            reopen_found(change, state, finding.cases, before=found_before)
        brought_up_to_date()
        # An effect that was joined says nothing of its cause.
        own = finding.subject == incident.subject or finding.incident_type == incident.incident_type
        often = replace(result, open_after=1) if by_share else result
        if own and recovery.failed_again(
            change, often, felt=finding.felt, since=state.first_failure_at
        ):
            brought_up_to_date()  # the figures of the outage are those of the present again
        if state.failing:
            silence.told(house, state, finding)
        return incident.number, False
    if not (finding.felt and state.failing):
        return None, False
    if not _may_open(session, house, result, finding, state, now):
        return None, False
    stormed = grouping.subject_for(session, house, result, finding, run.storm, run.live)
    if stormed is not None:
        run.storm.add(state, finding, facts, stormed)
        return None, False
    joined = correlation.join_finding(session, house, result, finding, facts, now)
    if joined is not None:
        _note(state, joined)
        return joined.number, False
    opened = open_incident(
        session,
        house,
        Opening(
            incident_type=finding.incident_type,
            subject=finding.subject,
            source=result.source,
            facts=facts,
            cases=finding.cases,
            severity=finding.severity,
            started_at=finding.started_at or state.first_failure_at,
            description=finding.says,
        ),
        now,
    )
    _note(state, opened.incident)
    silence.told(house, state, finding)
    return opened.incident.number, opened.is_new


def _note(state: CheckState, incident: Incident) -> None:
    state.figures = {**state.figures, "incident": incident.number}


def _incident(session: Session, state: CheckState) -> Incident | None:
    """The open incident that the subject led to, also where it was joined or merged."""
    number = state.figures.get("incident")
    incident = loading.incident_of(session, int(number), lock=True) if number else None
    while incident is not None and incident.status == Status.MERGED and incident.merged_into:
        incident = session.get(Incident, incident.merged_into, with_for_update=True)
    return incident if incident is not None and incident.live else None


def _its_own(session: Session, state: CheckState, incident: Incident) -> bool:
    """Whether the incident is of what the subject opened, and not a cause that took it in."""
    if incident.subject == state.subject:
        return True
    first = loading.incident_of(session, int(state.figures["incident"]))
    opened = first is not None and (first.subject == state.subject or grouping.is_storm(first))
    return opened and first is not None and first.incident_type == incident.incident_type


def _may_open(
    session: Session,
    house: House,
    result: CheckResult,
    finding: Finding,
    state: CheckState,
    now: datetime,
) -> bool:
    """Not again for what was dismissed or resolved with its cases known, while it goes on."""
    number = state.figures.get("incident")
    last = loading.incident_of(session, int(number)) if number else None
    if last is None or last.status in LIVE_STATUSES:
        return True
    if last.status == Status.DISMISSED:
        return not silence.holds(house, state, finding, last, now)
    if state.first_failure_at and last.detected_at < state.first_failure_at:
        return True  # it had recovered in between: a new streak
    if last.detected_at > now:
        return True  # the clock was set back since: nothing is known by it
    known = {
        (row.kind, row.key)
        for row in session.execute(select(Case.kind, Case.key).where(Case.incident_id == last.id))
    }
    if finding.cases:
        return any((case.kind, case.key) not in known for case in finding.cases)
    ended = last.resolved_at or last.detected_at
    return now - ended >= timedelta(seconds=result.every * result.open_after)


def _passed(
    session: Session, house: House, result: CheckResult, subject: str, now: datetime, run: _Run
) -> int | None:
    """One more success. The incident's number when it recovered by it."""
    state = run.state(session, result.name, subject)
    incident = run.incident(session, state)
    as_it_was = not state.failing and state.last_error is None
    if incident is None and as_it_was and state.successes >= result.recover_after:
        return None
    state.successes, state.failures = state.successes + 1, 0
    state.last_run_at, state.last_error = result.ran_at, None
    over = state.successes >= result.recover_after and not failing_share.reached(state, result)
    if state.failing and over:
        state.failing = False
        silence.passed(state)
    if incident is None:
        return None
    if grouping.is_storm(incident):
        if not state.failing:
            run.storm.passed.setdefault(incident.id, []).append(subject)
        return None
    change = Change(session, house, incident, _actor(result), now)
    fresh: Mapping[str, Any] = result.recovered_facts.get(subject, {})
    others = _others_fail(session, house, result, incident)
    if (
        incident.subject == subject
        and not others
        and (over or not failing_share.reached(state, result))
    ):
        impact.check_passed(incident, result.ran_at)
    update_incident(
        session,
        house,
        incident,
        facts_of.merged(fresh, source_facts.passed(result, state)),
        (),
        now,
        actor=SYSTEM_ACTOR,
        source=result.source,
    )
    if not over or others or _itself_fails(session, incident):
        return None
    return incident.number if recovery.recovered(change) else None


def _others_fail(session: Session, house: House, result: CheckResult, incident: Incident) -> bool:
    """Whether another check, or another system, has the incident's own subject failing still."""
    failing = session.scalars(
        select(CheckState.name).where(
            CheckState.subject == incident.subject,
            CheckState.name != result.name,
            CheckState.failing,
        )
    )
    return any(house.watches(name) for name in failing)


def _itself_fails(session: Session, incident: Incident) -> bool:
    """What was joined or merged passes: while the incident's own subject fails it is not over."""
    if not incident.failing:
        return False
    own = select(CheckState.name).where(CheckState.subject == incident.subject, CheckState.failing)
    return session.scalar(own.limit(1)) is not None
