"""A storm: one run of a check finds faults on so many subjects that a thread for each helps nobody.

The first few open incidents of their own. The others of that type are one incident, the storm's:
each subject is a case of it, it is updated once a run, and it has recovered when none of its
subjects fails any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, tuple_, update
from sqlalchemy.orm import Session

from checks.model import CaseFound, CheckResult, Finding
from incidents import loading, recovery
from incidents.change import Change
from incidents.house import Actor, House
from incidents.opening import Opening, open_incident
from incidents.updates import update_incident
from storage.models import LIVE_STATUSES, Case, CaseState, CheckState, Incident

_PREFIX = "many:"


def is_storm(incident: Incident) -> bool:
    """Whether the incident stands for many subjects."""
    return incident.subject.startswith(_PREFIX)


def subject_case(subject: str) -> CaseFound:
    """A subject as a case of the storm."""
    kind, _, key = subject.partition(":")
    return CaseFound(kind, key or subject)


@dataclass
class Storm:
    """What one run found beyond the limit, and for storms that are going on, by incident type."""

    limit: int
    opened: int = 0
    found: dict[str, list[tuple[CheckState, Finding, Mapping[str, Any]]]] = field(
        default_factory=dict
    )
    passed: dict[int, list[str]] = field(default_factory=dict)  # subjects by the incident's id

    @property
    def full(self) -> bool:
        return self.opened >= self.limit

    def add(self, state: CheckState, finding: Finding, facts: Mapping[str, Any]) -> None:
        self.found.setdefault(finding.incident_type, []).append((state, finding, facts))


def take_up(
    session: Session, house: House, result: CheckResult, storm: Storm, now: datetime
) -> Iterator[tuple[Incident, bool]]:
    """Opens or updates the storm's incident of each type, once. The incident, and if it is new."""
    for incident_type, members in storm.found.items():
        section = house.plan.section_of(incident_type).id
        print_of = loading.fingerprint(section, _PREFIX + result.name)
        live = loading.live_incident(session, print_of)
        cases = tuple(
            case
            for _, finding, _ in members
            for case in (finding.cases or (subject_case(finding.subject),))
        )
        first, facts = members[0][1], dict(members[0][2])
        source = f"check:{result.name}"
        if live is None:
            incident = open_incident(
                session,
                house,
                Opening(
                    incident_type=incident_type,
                    subject=_PREFIX + result.name,
                    source=source,
                    facts=facts,
                    cases=cases,
                    severity=min((f.severity for _, f, _ in members if f.severity), default=None),
                    started_at=first.started_at or members[0][0].first_failure_at,
                ),
                now,
            )
        else:
            incident = live
            actor = Actor(source)
            update_incident(session, house, live, facts, cases, now, actor=actor, source=source)
            if any(state.failing for state, _, _ in members):
                recovery.came_back(Change(session, house, live, actor, now))
        for state, _, _ in members:
            if state.figures.get("incident") != incident.number:
                state.figures = {**state.figures, "incident": incident.number}
        yield incident, live is None


def settle(
    session: Session,
    house: House,
    result: CheckResult,
    storm: Storm,
    now: datetime,
) -> Iterator[Incident]:
    """Settles the cases of subjects that are in order; the incidents that recovered by it."""
    for incident_id, subjects in storm.passed.items():
        incident = session.get_one(Incident, incident_id)
        change = Change(session, house, incident, Actor(f"check:{result.name}"), now)
        cases = [subject_case(subject) for subject in subjects]
        settled = session.execute(
            update(Case)
            .where(
                Case.incident_id == incident_id,
                tuple_(Case.kind, Case.key).in_([(case.kind, case.key) for case in cases]),
                Case.state != CaseState.SETTLED,
            )
            .values(state=CaseState.SETTLED, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        if cast("CursorResult[Any]", settled).rowcount:
            change.show()
        if not _fails(session, result, incident) and recovery.recovered(change):
            yield incident


def _fails(session: Session, result: CheckResult, incident: Incident) -> bool:
    """Whether any subject of the storm still fails; those of this run's later parts included."""
    session.flush()
    failing = session.scalars(
        select(CheckState.figures).where(CheckState.name == result.name, CheckState.failing)
    )
    return any(figures.get("incident") == incident.number for figures in failing)


def live_fingerprints(session: Session) -> frozenset[str]:
    """Of every open incident: asked once a run, not once a finding."""
    return frozenset(
        session.scalars(select(Incident.fingerprint).where(Incident.status.in_(LIVE_STATUSES)))
    )
