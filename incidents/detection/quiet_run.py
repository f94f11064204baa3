"""Quiet run: a check that is well as it was well before, of which only the time is written down.

Nine hundred and ninety-nine runs of a thousand are so. Nothing failed before and nothing does, so
that no incident, case or streak is touched: one row says when it looked and what it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, false, update
from sqlalchemy.orm import Session

from checks.model import CheckResult, Failed
from storage.models import CheckState

_STATES = cast("Table", CheckState.__table__)
_WRITTEN = (
    update(_STATES)
    .where(
        _STATES.c.name == bindparam("check"),
        _STATES.c.subject == "",
        _STATES.c.failing == false(),
        _STATES.c.failures == 0,
        _STATES.c.last_error.is_(None),
    )
    .values(
        successes=_STATES.c.successes + 1,
        last_run_at=bindparam("ran_at"),
        last_duration_ms=bindparam("took_ms"),
        figures=bindparam("seen"),
    )
)


def is_quiet(result: CheckResult, failed: Mapping[str, Failed]) -> bool:
    """Whether it found nothing, nothing failed before, and nothing but its time is to be kept."""
    spoken = result.findings or result.noted or result.not_looked_at or result.settled
    well = bool(result.healthy_subjects) and result.error is None and result.mark is None
    return well and not (spoken or failed or result.shadow)


def write_quietly(session: Session, result: CheckResult) -> bool:
    """Writes it down. False: the check itself was not well before, which is more to tell."""
    took = None if result.took is None else round(result.took * 1000)
    values: dict[str, Any] = {
        "check": result.name,
        "ran_at": result.ran_at,
        "took_ms": took,
        "seen": dict(result.figures),
    }
    done = cast("CursorResult[Any]", session.connection().execute(_WRITTEN, values))
    return bool(done.rowcount)
