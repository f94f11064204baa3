"""The scope that the plan's texts and expressions see of an incident (see plan.scope)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import case_totals, people
from incidents.case_totals import CaseLine
from incidents.runbooks.runs import all_runs
from storage.models import Case, Incident, Person, RunbookRun, Step, StepState
from storage.session_cache import known, version_of
from storage.types import Personal


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def outages(incident: Incident) -> list[dict[str, Any]]:
    """The times in which it was felt, as {"from", "to"}; the last has no end while it is felt."""
    began = incident.felt_since or incident.started_at
    ended = incident.mitigated_at
    last = {"from": began.isoformat(), "to": ended.isoformat() if ended is not None else None}
    return [*(incident.outages or ()), last]


def minutes_felt(incident: Incident) -> int | None:
    """How long the customers felt it, all outages together; None while they do, or where its end
    was not seen."""
    ended = incident.mitigated_at  # closing it ends nothing
    if ended is None:
        return None
    seconds = (ended - (incident.felt_since or incident.started_at)).total_seconds()
    for one in incident.outages or ():
        began, over = datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"])
        seconds += (over - began).total_seconds()
    return max(1, round(seconds / 60))


def incident_scope(session: Session, incident: Incident) -> dict[str, Any]:
    return {
        "reference": incident.reference,
        "number": incident.number,
        "severity": incident.severity,
        "status": str(incident.status),
        "started_at": iso(incident.started_at),
        "detected_at": iso(incident.detected_at),
        "mitigated_at": iso(incident.mitigated_at),
        "resolved_at": iso(incident.resolved_at),
        "owner": people.plain_name(session, incident.owner),
        "minutes_felt": minutes_felt(incident),
        "felt_since": iso(incident.felt_since or incident.started_at),
        "relapses": incident.times - 1,
        "works_since": iso(incident.works_since),
        "section": incident.section,
        "subject_key": incident.subject.partition(":")[2] or incident.subject,
    }


def step_scope(session: Session, step: Step) -> dict[str, Any]:
    """A step as texts see it. What a person typed in a personal field stays masked by its type."""
    return {
        "state": str(step.state),
        "actor": people.plain_name(session, step.actor),
        "at": iso(step.at),
        "verified_at": iso(step.verified_at),
        "branch": step.branch,
        "fields": plain_fields(step.fields),
        "figures": dict(step.figures or {}),
        "problem": _speaks_against(step),
        "did": list((step.figures or {}).get("did", ())),
        "first": _first(session, step),
    }


def _first(session: Session, step: Step) -> dict[str, Any]:
    """When and by whom it was first done, also where it has been taken back since."""
    kept = (step.figures or {}).get("first")
    if kept:
        return {**kept, "actor": people.plain_name(session, kept.get("actor"))}
    if step.state != StepState.DONE:
        return {}
    return {
        "actor": people.plain_name(session, step.actor),
        "at": iso(step.at),
        "verified_at": iso(step.verified_at),
    }


# Why a try did not work that the next one would meet again, as far as is known.
_STANDS = frozenset(
    {"precondition", "precondition_unseen", "effect_failed", "refused", "no_effect"}
)


def _speaks_against(step: Step) -> str | None:
    code = str(((step.figures or {}).get("problem") or {}).get("code") or "").partition(":")[0]
    return code if code in _STANDS else None


def steps_scope(session: Session, incident: Incident) -> dict[str, Any]:
    """All steps by id; those of a replaced run give way to those of an active one. Worked out again
    only after a write of this unit."""
    version = version_of(session, RunbookRun.__tablename__, Step.__tablename__)
    kept: dict[int, tuple[Any, dict[str, Any]]] = known(session, "steps")
    if version is not None and incident.id in kept and kept[incident.id][0] == version:
        return dict(kept[incident.id][1])
    found = sorted(all_runs(session, incident), key=lambda run: run.state != "replaced")
    made = {step.step_id: step_scope(session, step) for run in found for step in run.steps}
    if version is not None:
        kept[incident.id] = (version, made)
    return dict(made)


def form_scope(values: Mapping[str, Any], personal: frozenset[str]) -> dict[str, Any]:
    """What a form held, as texts see it."""
    return {
        name: Personal(str(value)) if name in personal and value else value
        for name, value in values.items()
    }


def stored_fields(values: Mapping[str, Any], personal: frozenset[str]) -> dict[str, Any]:
    """The form as it is kept (encrypted as a whole): which fields are personal stands beside."""
    return {"values": dict(values), "personal": sorted(personal)}


def plain_fields(stored: Any) -> dict[str, Any]:
    if not isinstance(stored, dict) or "values" not in stored:
        return {}
    return form_scope(stored["values"], frozenset(stored.get("personal", ())))


def build(
    session: Session,
    incident: Incident,
    now: datetime,
    *,
    cases: Sequence[CaseLine] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The whole scope. `cases`, where they were read already.

    It is put together once in a unit of work, and again after what it speaks of was written.
    """
    lines = case_totals.read_cases(session, incident.id) if cases is None else cases
    version = version_of(session, *_SPOKEN_OF)
    kept: dict[Any, Any] = known(session, "scope")
    key = (incident.id, now)
    before, read, made = kept.get(key, (None, None, {}))
    if version is None or before != version or read is not lines:
        made = _whole(session, incident, now, lines)
        if version is not None:
            kept[key] = (version, lines, made)
    return {**made, "facts": dict(made["facts"]), "steps": dict(made["steps"]), **more}


# What a scope speaks of: a write to one of these makes it another one.
_SPOKEN_OF = tuple(one.__tablename__ for one in (Incident, RunbookRun, Step, Case, Person))


def _whole(
    session: Session, incident: Incident, now: datetime, lines: Sequence[CaseLine]
) -> dict[str, Any]:
    # What is not named is counted by the check alone, and it sees none of it any more.
    unlisted = None if incident.facts.get("recovered_at") else incident.facts.get("unlisted")
    return {
        "facts": dict(incident.facts),
        "cases": case_totals.case_figures(lines, unlisted),
        "incident": incident_scope(session, incident),
        "steps": steps_scope(session, incident),
        "now": now.isoformat(),
    }


_KEPT = ("facts", "cases", "incident", "now")


def snapshot(scope: Mapping[str, Any]) -> dict[str, Any]:
    """What a log line keeps of the scope, so that it reads the same the next morning.

    Steps are left out (they hold people's words, masked); a line that speaks of a step reads it
    as it stands.
    """
    return {
        name: value
        for name, value in scope.items()
        if name in _KEPT or name in ("attempt", "before", "after", "params", "response", "batch")
    }
