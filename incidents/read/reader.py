"""Reader: what every read model of an incident starts from, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents import loading, people
from incidents.case_totals import CaseLine, target
from incidents.change import Change
from incidents.organisation import SYSTEM_ACTOR, House
from incidents.runbooks import runbook
from incidents.runbooks.press_conflicts import PENDING
from incidents.runbooks.runbook import Place
from incidents.shop_actions import action_outcomes
from incidents.views import PersonView
from plan.model import IncidentType, Plan, Section
from storage.models import (
    ActionAttempt,
    Approval,
    AttemptState,
    Incident,
    RunbookRun,
    TimelineEntry,
)

_ATTEMPTS = (
    select(ActionAttempt)
    .where(ActionAttempt.incident_id == bindparam("incident"))
    .order_by(ActionAttempt.id)
)
_ENTRIES = (
    select(TimelineEntry)
    .where(TimelineEntry.incident_id == bindparam("incident"))
    .order_by(TimelineEntry.sequence)
)


@dataclass(frozen=True)
class Running:
    """The attempts of one press that have not ended."""

    attempts: tuple[ActionAttempt, ...]

    @property
    def first(self) -> ActionAttempt:
        return self.attempts[0]


class Reader:
    """An incident with its plan, cases and scope. `cases`, `attempts`: where they were read."""

    def __init__(
        self,
        session: Session,
        house: House,
        incident: Incident,
        now: datetime,
        *,
        cases: tuple[CaseLine, ...] | None = None,
        attempts: list[ActionAttempt] | None = None,
    ) -> None:
        self.session = session
        self.house = house
        self.incident = incident
        self.now = now
        self._cases = cases
        self._attempts = attempts

    @cached_property
    def plan(self) -> Plan:
        return loading.plan_of(self.session, self.house, self.incident)

    @cached_property
    def kind(self) -> IncidentType:
        return self.plan.incident_type(self.incident.incident_type)

    @cached_property
    def section(self) -> Section:
        return self.plan.sections[self.incident.section]

    @cached_property
    def seen(self) -> tuple[tuple[CaseLine, ...], dict[str, Any]]:
        return runbook.seen_now(self.session, self.incident, self.now, cases=self._cases)

    @property
    def cases(self) -> Sequence[CaseLine]:
        return self.seen[0]

    @property
    def scope(self) -> dict[str, Any]:
        return self.seen[1]

    @cached_property
    def runs(self) -> list[RunbookRun]:
        return runbook.runs_of(self.session, self.incident)

    def places(self, run: RunbookRun) -> list[Place]:
        return runbook.places(self.plan, run)

    def person(self, user_id: str | None) -> PersonView | None:
        return people.person(self.session, user_id)

    @cached_property
    def owner(self) -> PersonView | None:
        return self.person(self.incident.owner)

    @cached_property
    def entries(self) -> list[TimelineEntry]:
        return list(self.session.scalars(_ENTRIES, {"incident": self.incident.id}))

    @cached_property
    def attempts(self) -> list[ActionAttempt]:
        if self._attempts is not None:
            return self._attempts
        return list(self.session.scalars(_ATTEMPTS, {"incident": self.incident.id}))

    @cached_property
    def running(self) -> list[Running]:
        """What is on its way, by press, oldest first."""
        found: dict[str, list[ActionAttempt]] = {}
        for attempt in self.attempts:
            if attempt.state in PENDING:
                found.setdefault(attempt.press, []).append(attempt)
        return [Running(tuple(attempts)) for attempts in found.values()]

    def approver(self, running: Running) -> PersonView | None:
        """Who is asked for their yes, where a press waits for one."""
        if any(one.state != AttemptState.AWAITING_APPROVAL for one in running.attempts):
            return None
        request = self.session.scalar(select(Approval).where(Approval.press == running.first.press))
        return self.person(request.told[-1]) if request is not None and request.told else None

    def attempt_scope(self, attempt: ActionAttempt) -> Mapping[str, Any]:
        """What the words of an action see of a running or ended attempt."""
        change = self.change()
        seen = action_outcomes.attempt_scope(change, attempt)
        action = self.plan.actions[attempt.action]
        if action.cases is not None:
            attempts = [one for one in self.attempts if one.press == attempt.press]
            batch = action_outcomes.batch_of(change, attempts)
            covered = {int(one) for many in attempts for one in many.covers or ()}
            reached = [case for case in self.cases if case.id in covered]
            seen |= {"batch": batch, "target": target(reached)}
        return seen

    def change(self) -> Change:
        return Change(self.session, self.house, self.incident, SYSTEM_ACTOR, self.now)


def reader_of(session: Session, house: House, incident_id: int, now: datetime) -> Reader:
    """Raises NoResultFound if there is no such incident."""
    return Reader(session, house, session.get_one(Incident, incident_id), now)
