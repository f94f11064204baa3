"""A check that cannot look: nothing is known of the shop, and the house must come to know that.

It opens no incident of the shop. Once it could not run for a while, the incident channel says so,
and who is on duty is told directly unless it is night; when it looks again, the thread says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from checks.model import CheckResult
from incidents.alerting import oncall
from incidents.organisation import House
from storage import outbox
from storage.models import CheckState

_RUNS = 3  # at least so many in a row, however seldom it runs
_ERROR_LENGTH = 200


def could_not_look(
    session: Session, house: House, state: CheckState, result: CheckResult, now: datetime
) -> None:
    """One more run without a look. `state` is the check's own; says so once a streak."""
    if state.failures == 0 or state.first_failure_at is None:
        state.first_failure_at = result.ran_at
    state.failures, state.successes = state.failures + 1, 0
    state.last_failure_at = result.ran_at
    since = state.first_failure_at
    if state.failing or state.failures < _RUNS or now - since < house.blind_after:
        return
    state.failing = True
    params = {
        "check": result.name,
        "since": _moment(since),
        "runs": state.failures,
        "error": str(result.error)[:_ERROR_LENGTH],
    }
    _post(session, _key(result.name, since), params, now)
    person = next(iter(oncall.who(house, oncall.ONCALL, now)), None)
    if person is not None and not house.quiet.holds(now):
        outbox.direct(
            session,
            key=f"{_key(result.name, since)}/dm/{person}",
            template="blind",
            person=person,
            incident=None,
            params=params,
            ring=(person,),
            now=now,
        )


def looks_again(session: Session, state: CheckState, result: CheckResult, now: datetime) -> None:
    """It ran. Said where its blindness was said."""
    state.failures, state.successes = 0, state.successes + 1
    since, told = state.first_failure_at, state.failing
    state.first_failure_at, state.failing = None, False
    if told and since is not None:
        params = {"check": result.name, "since": _moment(since), "again": _moment(result.ran_at)}
        key = _key(result.name, since)
        _post(session, f"{key}/again", params, now, thread_key=key)


def _post(
    session: Session, key: str, params: dict[str, Any], now: datetime, thread_key: str | None = None
) -> None:
    outbox.post(
        session,
        key=key,
        template="blind",
        incident=None,
        audience="incidents",
        params=params,
        thread_key=thread_key,
        priority=1,
        now=now,
    )


def _key(name: str, since: datetime) -> str:
    return f"check/{name}/{since:%Y%m%dT%H%M%S}"


def _moment(moment: datetime) -> dict[str, str]:
    """A time in a work item's JSON (handlers.packing)."""
    return {"__kind__": "time", "at": moment.isoformat()}
