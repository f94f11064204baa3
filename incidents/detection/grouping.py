"""Grouping: a storm of faults on so many subjects at once that a thread for each helps nobody.

The first few open incidents of their own. The others of that type are one incident, the storm's:
each subject is a case of it, and it has recovered when none of its subjects fails any more. One run
of a check may find so many; its storm is updated once a run. Or many checks find a few each, within
some minutes: theirs is one storm of the section, shared by all checks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from checks.model import CaseFound, CheckResult, Finding
from incidents import loading
from incidents.change import Change
from incidents.detection import impact, recovery
from incidents.lifecycle.incident_updates import update_incident
from incidents.lifecycle.opening import Opening, open_incident
from incidents.organisation import Actor, House
from incidents.sources import BY_ITSELF
from storage.models import LIVE_STATUSES, Case, CaseState, CheckState, Incident

_PREFIX = "many:"
_SHARED = "many:*"  # no check has that name
_AT_ONCE = 500  # cases that one statement names


def is_storm(incident: Incident) -> bool:
    """Whether the incident stands for many subjects."""
    return incident.subject.startswith(_PREFIX)


def is_shared(incident: Incident) -> bool:
    """Whether it is the storm of many checks."""
    return incident.subject == _SHARED


def subject_case(subject: str) -> CaseFound:
    """A subject as a case of the storm."""
    kind, _, key = subject.partition(":")
    return CaseFound(kind, key or subject)


Member = tuple[CheckState, Finding, Mapping[str, Any]]


@dataclass
class Storm:
    """What one run found beyond the limit, and for storms that are going on.

    `found`: by incident type and the subject of the storm's incident.
    """

    limit: int
    opened: int = 0
    found: dict[tuple[str, str], list[Member]] = field(default_factory=dict)
    passed: dict[int, list[str]] = field(default_factory=dict)  # subjects by the incident's id

    @property
    def full(self) -> bool:
        return self.opened >= self.limit

    def add(
        self, state: CheckState, finding: Finding, facts: Mapping[str, Any], subject: str
    ) -> None:
        """`subject`: of the storm's incident."""
        self.found.setdefault((finding.incident_type, subject), []).append((state, finding, facts))


def subject_for(
    session: Session,
    house: House,
    result: CheckResult,
    finding: Finding,
    storm: Storm,
    live: Collection[str],
) -> str | None:
    """The subject of the storm that takes up a finding without an incident; None: it opens one.

    `live`: fingerprints of the open incidents.
    """
    own = _PREFIX + result.name
    if storm.full:
        return own
    section = house.plan.section_of(finding.incident_type).id
    shared = own if Incident.fingerprint_of(section, own) in live else _SHARED
    since = result.ran_at - house.storm_within
    lately = and_(
        Incident.section == section,
        or_(*(Incident.source.like(f"{one}%") for one in BY_ITSELF)),
        Incident.detected_at > since,
        Incident.subject.not_like(_PREFIX + "%"),
    )
    if (session.scalar(select(func.count(Incident.id)).where(lately)) or 0) >= house.storm_after:
        return shared
    grows = exists().where(
        Case.incident_id == Incident.id,
        Case.updated_at > since,
        Incident.fingerprint == Incident.fingerprint_of(section, _SHARED),
        Incident.status.in_(LIVE_STATUSES),
        Incident.recovered_at.is_(None),
    )
    return _SHARED if session.scalar(select(grows)) else None


def goes_on(storm: Storm, result: CheckResult, incident: Incident, member: Member) -> None:
    """A subject of a storm fails as it did: nothing of its own needs to be kept.

    The storm of one check is brought up to date once a run. That of many checks is left alone, save
    where the subject brings a new case: a thousand runs must not each read its thousand cases.
    """
    state, finding, facts = member
    if is_shared(incident) and incident.hold:  # what is watched does not hold by this
        impact.check_failed(incident, result.ran_at, result.open_after, felt=finding.felt)
    if not is_shared(incident):
        storm.add(state, finding, facts, incident.subject)
        return
    known = {tuple(case) for case in state.figures.get("cases", ())}
    if any((case.kind, case.key) not in known for case in finding.cases):
        storm.add(state, finding, facts, incident.subject)


def take_up(
    session: Session, house: House, result: CheckResult, storm: Storm, now: datetime
) -> Iterator[tuple[Incident, bool]]:
    """Opens or updates the storm's incident of each type, once. The incident, and if it is new."""
    for (incident_type, subject), members in storm.found.items():
        section = house.plan.section_of(incident_type).id
        print_of = Incident.fingerprint_of(section, subject)
        live = loading.live_incident(session, print_of)
        cases = tuple(
            case
            for _, finding, _ in members
            for case in (finding.cases or (subject_case(finding.subject),))
        )
        first, facts = members[0][1], dict(members[0][2])
        source = result.source
        if live is None:
            incident, is_new = open_incident(
                session,
                house,
                Opening(
                    incident_type=incident_type,
                    subject=subject,
                    source=source,
                    facts=facts,
                    cases=cases,
                    severity=min((f.severity for _, f, _ in members if f.severity), default=None),
                    started_at=first.started_at or members[0][0].first_failure_at,
                ),
                now,
            )
        else:
            incident, is_new = live, False
            actor = Actor(source)
            if is_shared(live):  # what the first check said of it stays
                facts = {}
            update_incident(session, house, live, facts, cases, now, actor=actor, source=source)
            failing = [(state, finding) for state, finding, _ in members if state.failing]
            if failing:
                since = min(
                    (s.first_failure_at for s, _, _ in members if s.first_failure_at), default=None
                )
                live.failing = True  # each subject has failed often enough by itself
                recovery.failed_again(
                    Change(session, house, live, actor, now),
                    result,
                    felt=any(finding.felt for _, finding in failing),
                    since=since,
                )
        for state, finding, _ in members:
            _note(state, finding, incident)
        yield incident, is_new


def _note(state: CheckState, finding: Finding, incident: Incident) -> None:
    """The subject's incident, and which of its cases are this subject's."""
    same = state.figures.get("incident") == incident.number
    noted: dict[str, Any] = {"incident": incident.number}
    if finding.cases:
        cases = {tuple(case) for case in state.figures.get("cases", ())} if same else set()
        cases |= {(case.kind, case.key) for case in finding.cases}
        noted["cases"] = sorted(list(case) for case in cases)
    if not same or noted.get("cases") != state.figures.get("cases"):
        state.figures = {**state.figures, **noted}


def settle(
    session: Session,
    house: House,
    result: CheckResult,
    storm: Storm,
    states: Mapping[str, CheckState],
    now: datetime,
) -> Iterator[Incident]:
    """Settles the cases of subjects that are in order; the incidents that recovered by it."""
    for incident_id, subjects in storm.passed.items():
        incident = session.get_one(Incident, incident_id)
        change = Change(session, house, incident, Actor(result.source), now)
        wanted = {case for subject in subjects for case in _cases_of(subject, states[subject])}
        if _settle_cases(session, incident_id, wanted, now):
            change.show()
        failing = _fails(session, result, incident)
        if is_shared(incident):
            failing = failing or _has_open_cases(session, incident_id)
        if not failing:
            impact.check_passed(incident, result.ran_at)
        if not failing and recovery.recovered(change):
            yield incident


def _cases_of(subject: str, state: CheckState) -> set[tuple[str, str]]:
    own = subject_case(subject)
    return {(kind, key) for kind, key in state.figures.get("cases", ())} or {(own.kind, own.key)}


def _settle_cases(
    session: Session, incident_id: int, wanted: Collection[tuple[str, str]], now: datetime
) -> int:
    settled, cases = 0, sorted(wanted)
    for at in range(0, len(cases), _AT_ONCE):
        done = session.execute(
            update(Case)
            .where(
                Case.incident_id == incident_id,
                tuple_(Case.kind, Case.key).in_(cases[at : at + _AT_ONCE]),
                Case.state != CaseState.SETTLED,
            )
            .values(state=CaseState.SETTLED, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        settled += cast("CursorResult[Any]", done).rowcount
    return settled


def _fails(session: Session, result: CheckResult, incident: Incident) -> bool:
    """Whether any subject of the storm still fails; those of this run's later parts included."""
    session.flush()
    failing = session.scalars(
        select(CheckState.figures).where(CheckState.name == result.name, CheckState.failing)
    )
    return any(figures.get("incident") == incident.number for figures in failing)


def _has_open_cases(session: Session, incident_id: int) -> bool:
    open_case = exists().where(Case.incident_id == incident_id, Case.state != CaseState.SETTLED)
    return bool(session.scalar(select(open_case)))


def live_fingerprints(session: Session) -> frozenset[str]:
    """Of every open incident: asked once a run, not once a finding."""
    return frozenset(
        session.scalars(select(Incident.fingerprint).where(Incident.status.in_(LIVE_STATUSES)))
    )
