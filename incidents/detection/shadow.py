"""Shadow of a check: it looks as ever and opens nothing; what it would have opened is kept.

A new or changed check proves itself so, before it wakes anybody. Each time that a subject begins to
be found (often enough in a row) counts as one incident that it would have opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CheckResult
from storage.models import CheckState

KEPT = "shadow"  # among the figures of the check itself
_BELOW = "below"  # of a quorum
_MOST = 200  # openings that are kept, the newest


@dataclass(frozen=True)
class Shadow:
    """What one check would have done in a time. `now`: cases that it finds at present."""

    check: str
    opened: int
    cases: int
    now: int
    below: bool = False  # its quorum: it is not in shadow, and what it saw was too little


def kept(before: Mapping[str, Any] | None, result: CheckResult) -> dict[str, Any]:
    """What is kept after one more run, beside what stood there before; {} for other checks.

    A run that could not look leaves it as it was. What is seen below a quorum is kept so as well.
    """
    kept = dict((before or {}).get(KEPT) or {})
    if not (result.shadow or result.noted or kept.get(_BELOW)):
        return {}
    if result.error is not None:
        return {KEPT: kept} if kept else {}
    rows: dict[str, int] = dict(kept.get("in_a_row") or {})
    opened: list[dict[str, Any]] = list(kept.get("opened") or ())
    now: dict[str, int] = {}
    for finding in result.findings if result.shadow else result.noted:
        count = finding.count or len(finding.cases)
        now[finding.subject] = count
        rows[finding.subject] = rows.get(finding.subject, 0) + 1
        if rows[finding.subject] == result.open_after:
            opened.append(
                {
                    "at": result.ran_at.isoformat(),
                    "subject": finding.subject,
                    "type": finding.incident_type,
                    "cases": count,
                }
            )
    in_a_row = {subject: count for subject, count in rows.items() if subject in now}
    since = kept.get("since") or result.ran_at.isoformat()
    kept = {"since": since, "in_a_row": in_a_row, "now": now, "opened": opened[-_MOST:]}
    return {KEPT: kept if result.shadow else {**kept, _BELOW: True}}


def of_time(session: Session, start: datetime, end: datetime) -> tuple[Shadow, ...]:
    """The checks that look without opening, with what they would have opened then, by name."""
    found = session.scalars(
        select(CheckState).where(CheckState.subject == "").order_by(CheckState.name)
    )
    return tuple(_read(found, start, end))


def _read(states: Iterable[CheckState], start: datetime, end: datetime) -> Iterable[Shadow]:
    for state in states:
        kept = (state.figures or {}).get(KEPT)
        if not kept or state.last_run_at is None or state.last_run_at < start:
            continue  # it is not asked any more: what it found then is not so now
        then = [one for one in kept["opened"] if start <= datetime.fromisoformat(one["at"]) < end]
        yield Shadow(
            check=state.name,
            opened=len(then),
            cases=sum(one["cases"] for one in then),
            now=0 if state.last_error else sum(kept["now"].values()),
            below=bool(kept.get(_BELOW)),
        )
