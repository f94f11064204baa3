"""The runs of an incident with their steps, read once in a unit of work.

They are the session's own objects, so what the unit changes in them is seen wherever they are
asked for again; a run that it adds is read with the next question.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from storage.models import Incident, RunbookRun
from storage.session_cache import known

_ANY = select(RunbookRun).options(joinedload(RunbookRun.steps)).order_by(RunbookRun.id)
_RUNS = _ANY.where(RunbookRun.incident_id == bindparam("incident"))
_OF_MANY = _ANY.where(RunbookRun.incident_id.in_(bindparam("incidents", expanding=True)))


def all_runs(session: Session, incident: Incident) -> list[RunbookRun]:
    """All runs of the incident, replaced ones included, oldest first."""
    runs: dict[int, list[RunbookRun]] = known(session, "runs")
    if incident.id not in runs:
        runs[incident.id] = list(session.scalars(_RUNS, {"incident": incident.id}).unique())
    return runs[incident.id]


def read_ahead(session: Session, incidents: Iterable[Incident]) -> None:
    """The runs of many incidents in one question; then `all_runs` knows them."""
    runs: dict[int, list[RunbookRun]] = known(session, "runs")
    wanted = [incident.id for incident in incidents if incident.id not in runs]
    if not wanted:
        return
    found = session.scalars(_OF_MANY, {"incidents": wanted}).unique().all()
    runs.update({incident_id: [] for incident_id in wanted})
    for run in found:
        runs[run.incident_id].append(run)


def added(session: Session, incident: Incident) -> None:
    """A run was added: what was read before is not all of them."""
    known(session, "runs").pop(incident.id, None)
