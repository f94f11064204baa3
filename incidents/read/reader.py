"""Reader: what every read model of an incident starts from, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents import people
from incidents.case_totals import CaseLine, target
from incidents.change import Change
from incidents.organisation import SYSTEM_ACTOR, House
from incidents.runbooks.press_conflicts import PENDING
from incidents.shop_actions import action_outcomes
from incidents.snapshot import Snapshot
from incidents.views import PersonView
from storage.models import (
    ActionAttempt,
    Approval,
    AttemptState,
    Incident,
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


class Reader(Snapshot):
    """The incident as it is read: each thing once. `cases`, `attempts`: where they were read."""

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
        super().__init__(session, house, incident, now)
        self._cases = cases
        self._attempts = attempts
        self._scope: dict[str, Any] | None = None

    @property
    def cases(self) -> tuple[CaseLine, ...]:
        return super().cases if self._cases is None else self._cases

    @property
    def scope(self) -> dict[str, Any]:
        if self._scope is None:
            self._scope = super().scope
        return self._scope

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
