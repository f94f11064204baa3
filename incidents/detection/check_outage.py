"""A check that cannot look: nothing is known of the shop, and the house must come to know that.

It opens no incident of the shop. Once it could not run for a while, the incident channel says so,
and who is on duty is told directly unless it is night; when it looks again, the thread says so.

One cause is one alarm: of thirty checks that read a database which is down, the first to be told
stands for all, and the last that looks again ends it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CheckResult
from incidents.alerting import oncall
from incidents.organisation import House
from storage import outbox
from storage.models import CheckState

_RUNS = 3  # at least so many in a row, however seldom it runs
_ERROR_LENGTH = 200
_CAUSE, _TOLD = "cause", "told_as"  # among the figures of a check that cannot look


def kept(state: CheckState, result: CheckResult) -> dict[str, Any]:
    """The figures of this run, with why it cannot look and under which alarm that was told."""
    told = state.figures.get(_TOLD) if state.figures else None
    return {
        **result.figures,
        **({_CAUSE: result.cause} if result.cause else {}),
        **({_TOLD: told} if told else {}),
    }


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
    alike = _alike(session, state, result.cause)
    standing = next((one.figures[_TOLD] for one in alike if one.figures.get(_TOLD)), None)
    key = standing or _key(result.name, since)
    state.figures = {**state.figures, _TOLD: key}
    if standing is not None:
        return
    params = {
        "check": result.name,
        "several": bool(alike),
        "since": _moment(since),
        "runs": state.failures,
        "error": str(result.error)[:_ERROR_LENGTH],
    }
    _post(session, key, params, now)
    person = next(iter(oncall.who(house, oncall.ONCALL, now)), None)
    if person is not None and not house.quiet.holds(now):
        outbox.direct(
            session,
            key=f"{key}/dm/{person}",
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
    key = state.figures.get(_TOLD) or (_key(result.name, since) if since is not None else None)
    state.figures = {name: one for name, one in state.figures.items() if name != _TOLD}
    if not told or since is None or key is None or _still(session, state, key):
        return
    params = {
        "check": result.name,
        "several": key != _key(result.name, since),
        "since": _moment(since),
        "again": _moment(result.ran_at),
    }
    _post(session, f"{key}/again", params, now, thread_key=key)


def _blind(session: Session, state: CheckState) -> list[CheckState]:
    """The other checks that cannot look now."""
    found = session.scalars(
        select(CheckState).where(
            CheckState.subject == "",
            CheckState.name != state.name,
            CheckState.last_error.is_not(None),
        )
    )
    return list(found)


def _alike(session: Session, state: CheckState, cause: str | None) -> list[CheckState]:
    """Those that cannot look for the same cause."""
    if cause is None:
        return []
    return [one for one in _blind(session, state) if (one.figures or {}).get(_CAUSE) == cause]


def _still(session: Session, state: CheckState, key: str) -> bool:
    """Whether another check cannot look yet for what was told under that key."""
    return any((one.figures or {}).get(_TOLD) == key for one in _blind(session, state))


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
