"""Places of a runbook: the steps of an incident's runs, as they stand and as the plan says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from incidents.runbooks.runs import all_runs
from plan import expressions
from plan.model import Plan
from plan.model import Step as PlanStep
from storage.models import Incident, RunbookRun, Step, StepState

SETTLED = frozenset({StepState.DONE, StepState.SKIPPED, StepState.NOT_NEEDED})
UNDER_WAY = frozenset({StepState.RUNNING, StepState.UNKNOWN})


@dataclass(frozen=True)
class Place:
    """A step as it stands in a run, with what the plan says of it."""

    run: RunbookRun
    row: Step
    plan: PlanStep
    number: int  # as people count: 1, 2, 3

    @property
    def settled(self) -> bool:
        return self.row.state in SETTLED

    @property
    def under_way(self) -> bool:
        return self.row.state in UNDER_WAY

    def urgent(self, seen: Mapping[str, Any]) -> bool:
        """Next before the others, as things are now: the way on where the usual one is broken."""
        return (
            self.plan.first_when is not None
            and not self.settled
            and not self.optional(seen)
            and expressions.holds(self.plan.first_when, seen)
        )

    def optional(self, seen: Mapping[str, Any]) -> bool:
        """Not needed as things are now; it may be again."""
        return self.plan.optional_when is not None and expressions.holds(
            self.plan.optional_when, seen
        )


def places(plan: Plan, run: RunbookRun) -> list[Place]:
    """The steps of a run in their order; a step that the plan no longer has is left out."""
    known = {step.id: step for step in plan.sections[run.section].steps}
    return [
        Place(run, row, known[row.step_id], number)
        for number, row in enumerate(run.steps, start=1)
        if row.step_id in known
    ]


def runs_of(session: Session, incident: Incident, *, replaced: bool = False) -> list[RunbookRun]:
    """The runs with their steps: those inside another first, since they are worked on first."""
    found = sorted(all_runs(session, incident), key=lambda run: run.parent_run_id is None)
    return [run for run in found if replaced or run.state != "replaced"]
