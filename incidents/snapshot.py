"""Snapshot of an incident: its plan, runs, cases and scope, as they are at one moment.

What changes an incident (`Change`) and what reads it (`Reader`) both stand on it, so a view cannot
count otherwise than a press does. Nothing in it grows old: cases and steps are read once in a unit
of work and again after a write of its own (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from incidents import case_totals, loading
from incidents import scope as scopes
from incidents.case_totals import CaseLine
from incidents.organisation import House
from incidents.runbooks.places import Place, places, runs_of
from plan.model import IncidentType, Plan, Section
from storage.models import Incident, RunbookRun


class Snapshot:
    """The session, the house, the incident and the moment, with what is known of it."""

    def __init__(self, session: Session, house: House, incident: Incident, now: datetime) -> None:
        self.session = session
        self.house = house
        self.incident = incident
        self.now = now

    @cached_property
    def plan(self) -> Plan:
        """The version that the incident runs under."""
        return loading.plan_of(self.session, self.house, self.incident)

    @property
    def kind(self) -> IncidentType:
        return self.plan.incident_type(self.incident.incident_type)

    @property
    def section(self) -> Section:
        return self.plan.sections[self.incident.section]

    @property
    def runs(self) -> list[RunbookRun]:
        """The runs that are not replaced: those inside another first, as they are worked on."""
        return runs_of(self.session, self.incident)

    @property
    def every_run(self) -> list[RunbookRun]:
        """The replaced ones too."""
        return runs_of(self.session, self.incident, replaced=True)

    def places(self, run: RunbookRun) -> list[Place]:
        """The steps of a run in their order."""
        return places(self.plan, run)

    @property
    def all_places(self) -> Iterator[Place]:
        """The steps of all runs that are not replaced."""
        return (place for run in self.runs for place in self.places(run))

    def place(self, step_id: str) -> Place | None:
        """The step of that id in a run that is not replaced."""
        return next((one for one in self.all_places if one.plan.id == step_id), None)

    @property
    def cases(self) -> tuple[CaseLine, ...]:
        return case_totals.read_cases(self.session, self.incident.id)

    @property
    def scope(self) -> dict[str, Any]:
        """What the plan's texts and conditions see, as things stand now; the caller's own."""
        return self.scope_over(self.cases)

    def scope_over(self, cases: Sequence[CaseLine]) -> dict[str, Any]:
        """The scope as if these cases were all there are."""
        return scopes.build(self.session, self.incident, self.now, cases=cases)
