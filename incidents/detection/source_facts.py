"""Source facts: what an incident knows of who found it, a check with its runs or another system.

A check counts its failures and successes in a row. Another system says once that something is so,
and once that it is over: of it the incident knows when it said which.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from checks.model import CheckResult, Finding
from incidents.detection import failing_share
from incidents.sources import name_of
from storage.models import CheckState, Incident


def found(result: CheckResult, state: CheckState) -> dict[str, Any]:
    """How it was found."""
    moments = {
        "name": name_of(result.source),
        "first_at": _iso(state.first_failure_at),
        "last_at": _iso(state.last_failure_at),
    }
    if result.of_alert:
        return {"check": moments, "alert": _said(result, over=False)}
    return {
        "check": {
            **moments,
            "failures": state.failures,
            "passes": state.successes,
            "needed": result.recover_after,
            **failing_share.facts(state, result),
        }
    }


def found_again(result: CheckResult, state: CheckState, finding: Finding) -> dict[str, Any]:
    """One more failure. How it was found stays: three in a row, from when to when."""
    last = {"last_at_now": _iso(state.last_failure_at), "felt": finding.felt}
    if result.of_alert:
        return {"check": last, "alert": _said(result, over=False)}
    return {"check": {**last, "failures_now": state.failures, "passes": 0}}


def passed(result: CheckResult, state: CheckState) -> dict[str, Any]:
    """One more success."""
    if result.of_alert:
        return {"alert": _said(result, over=True)}
    return {
        "check": {
            "failures_now": 0,
            "passes": state.successes,
            "needed": result.recover_after,
        }
    }


def _said(result: CheckResult, *, over: bool) -> dict[str, Any]:
    door, at = name_of(result.source), _iso(result.ran_at)
    if over:  # when by its own word it ended is said by who took it up
        return {"door": door, "over_at": at}
    return {"door": door, "at": at, "over_at": None, "ended_at": None}


def over_at(incident: Incident) -> tuple[str, datetime] | None:
    """The system that said that it is over, and when; None: none has, or it is so again."""
    said = incident.facts.get("alert") or {}
    at = said.get("over_at")
    return (str(said.get("door")), datetime.fromisoformat(at)) if at else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
