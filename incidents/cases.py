"""Affected cases: what a check sees in order again, pages, filter, and rows for export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents import authorise, case_totals, loading, timeline
from incidents import scope as scopes
from incidents.alerting import notifications
from incidents.alerting.notifications import Event
from incidents.case_totals import CaseLine, read_cases
from incidents.change import Change
from incidents.organisation import Actor, House
from incidents.outcome import Outcome
from incidents.rights import Right
from incidents.runbooks import step_completion
from storage.models import LIVE_STATUSES, Case, CaseState, CheckState, Incident

PAGE = 10
ALL = "all"
FILTERS = frozenset({ALL, *CaseState})
_LEFT = "left"  # among a subject's figures: cases that it finds though they are settled
_COUNTED_EVERY = 3600  # seconds between two lines about a changed count


@dataclass(frozen=True)
class Page:
    """One page of an incident's cases."""

    cases: tuple[CaseLine, ...]
    counts: dict[str, int]
    page: int
    pages: int
    filter: str


def page(session: Session, incident: Incident, wanted: str, number: int) -> Page:
    """Ten cases of a state ("all" for every one); a page that is not there is the nearest one."""
    lines = read_cases(session, incident.id)
    counts = Counter(line.state for line in lines)
    known = {str(state) for state in CaseState}
    state = wanted if wanted in known else ALL
    chosen = [line for line in lines if state == ALL or line.state == state]
    pages = max(1, -(-len(chosen) // PAGE))
    current = min(max(1, number), pages)
    start = (current - 1) * PAGE
    return Page(
        cases=tuple(chosen[start : start + PAGE]),
        counts={ALL: len(lines), **{name: counts.get(name, 0) for name in sorted(known)}},
        page=current,
        pages=pages,
        filter=state,
    )


Say = Callable[[str], str]
HEADER = ("case", "kind", "state", "outcome", "amount", "currency", "updated")


def rows(lines: Sequence[CaseLine], head: Say = str, word: Say = str) -> Iterator[tuple[str, ...]]:
    """Rows of the export: references and figures, no personal data, no spreadsheet formulas.

    `head` and `word` say the columns and the codes in the reader's language.
    """
    yield tuple(head(name) for name in HEADER)
    for line in lines:
        yield (
            _cell(line.key),
            _cell(word(line.kind)),
            word(line.state),
            _cell(word(line.outcome) if line.outcome else ""),
            str(line.amount.decimal) if line.amount else "",
            line.amount.currency if line.amount else "",
            line.updated_at.isoformat(timespec="seconds"),
        )


def _cell(text: str) -> str:
    """A cell that a spreadsheet would take for a formula is kept as text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def export(
    session: Session, house: House, number: int, actor: Actor, wanted: str, now: datetime
) -> Outcome:
    """The rows for the one who asked, noted in the audit. `params["rows"]` holds them."""
    incident = loading.incident_of(session, number, lock=True)
    if incident is None:
        return Outcome.refused("not_found", reference=f"INC-{number}")
    change = Change(session, house, incident, actor, now)
    refused = authorise.refuse(change, Right.EXPORT)
    if refused is not None:
        return refused
    lines = [
        line for line in read_cases(session, incident.id) if wanted == ALL or line.state == wanted
    ]
    change.entry("exported", {"cases": len(lines), "filter": wanted})
    change.audit("export", incident.reference, data={"cases": len(lines), "filter": wanted})
    return Outcome(True, "export_sent", {"rows": tuple(rows(lines))}, number=number)


def settle_found(change: Change, found: Sequence[CaseFound]) -> None:
    """Cases that a check sees in order again; one line an hour at most tells the new count."""
    session, incident = change.session, change.incident
    wanted = {(one.kind, one.key): one for one in found}
    settled = 0
    for case in session.scalars(
        select(Case).where(Case.incident_id == incident.id, Case.state != CaseState.SETTLED)
    ):
        seen = wanted.get((case.kind, case.key))
        if seen is None:
            continue
        case.state = CaseState.SETTLED
        case.outcome = str(seen.facts.get("outcome") or case.outcome or "") or None
        case.facts = {**case.facts, **{k: v for k, v in seen.facts.items() if k != "outcome"}}
        case.updated_at = change.now
        settled += 1
    if not settled:
        return
    counts = change.scope["cases"]
    data = {
        "settled": counts["settled"],
        "open": counts["total"] - counts["settled"],
        "scope": scopes.snapshot(change.scope),
    }
    posted = [
        entry
        for entry in timeline.entries(session, incident.id)
        if entry.kind == "cases_settled" and entry.data.get("posted")
    ]
    entry = change.entry("cases_settled", data)
    change.audit("cases_settled", incident.reference, data={"settled": settled})
    due = not posted or (change.now - posted[-1].at).total_seconds() >= _COUNTED_EVERY
    if due or not data["open"]:
        notifications.announce(change, Event.STATUS, entry)
    step_completion.follow_cases(change)
    change.show()


def reopen_found(
    change: Change, state: CheckState, found: Sequence[CaseFound], *, before: datetime | None
) -> None:
    """Cases that were settled, were seen in order, and are found again: they are open again.

    What had become of them stands in the audit; it is no longer so. In order was what the incident
    had recovered from, and what the failed look `before` did not find. What a person decided to
    leave is found all the time, and stays as it was decided: `state` keeps which these are.
    """
    wanted = {(one.kind, one.key): one for one in found}
    if not wanted:
        return
    settled = [
        case
        for case in change.session.scalars(
            select(Case).where(
                Case.incident_id == change.incident.id, Case.state == CaseState.SETTLED
            )
        )
        if (case.kind, case.key) in wanted
    ]
    known = _LEFT in state.figures  # of a version before, nothing is: then they stay
    left = set(state.figures.get(_LEFT, ()))
    recovered = change.incident.recovered_at is not None
    again = [
        case
        for case in settled
        if recovered
        or (known and case.key not in left and before is not None and case.updated_at < before)
    ]
    for case in again:
        case.state = wanted[case.kind, case.key].state
        case.outcome = None
        # What was found out was of the difference that is over.
        case.facts = {k: v for k, v in case.facts.items() if k != case_totals.ANSWERS}
        case.updated_at = change.now
    stay = sorted(case.key for case in settled if case not in again)
    if stay != sorted(left) or not known:
        state.figures = {**state.figures, _LEFT: stay}
    if again:
        change.audit("cases_reopened", change.incident.reference, data={"cases": len(again)})
        change.session.flush()
        step_completion.follow_cases(change)
        change.show()


def awaited(session: Session, *, kind: str = "order", limit: int = 1000) -> tuple[str, ...]:
    """Keys of the cases of open incidents that are not settled: what a check looks at again."""
    return tuple(
        session.scalars(
            select(Case.key)
            .join(Incident, Incident.id == Case.incident_id)
            .where(
                Incident.status.in_(LIVE_STATUSES),
                Case.kind == kind,
                Case.state != CaseState.SETTLED,
            )
            .distinct()
            .limit(limit)
        )
    )


def incidents_of_case(session: Session, key: str) -> list[tuple[Incident, CaseLine]]:
    """The incidents that name a case (an order's number), open ones first, newest first."""
    numbers = session.scalars(
        select(Case.incident_id).where(func.lower(Case.key) == key.strip().lower())
    ).all()
    found: list[tuple[Incident, CaseLine]] = []
    for number in numbers:
        incident = session.get_one(Incident, number)
        for line in read_cases(session, incident.id):
            if line.key.lower() == key.strip().lower():
                found.append((incident, line))
    return sorted(found, key=lambda one: (not one[0].live, -one[0].number))
