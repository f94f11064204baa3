"""One page of the affected cases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from incidents import cases
from incidents.figures import CaseLine
from incidents.house import House
from incidents.read.nouns import case_label, state_words
from incidents.read.reader import reader_of
from incidents.views import CasesView, CaseView


def case_view(line: CaseLine) -> CaseView:
    return CaseView(
        kind=line.kind,
        key=line.key,
        state=line.state,
        amount=line.amount.as_json() if line.amount else None,
        outcome=line.outcome,
        facts=line.facts,
        updated_at=line.updated_at,
    )


def cases_page(
    session: Session,
    house: House,
    incident_id: int,
    now: datetime,
    *,
    wanted: str = cases.ALL,
    page: int = 1,
) -> CasesView:
    """Ten cases of a state, or of all."""
    reader = reader_of(session, house, incident_id, now)
    found = cases.page(session, reader.incident, wanted, page)
    return CasesView(
        reference=reader.incident.reference,
        version=reader.incident.version,
        incident_number=reader.incident.number,
        title=case_label(reader),
        scope=reader.scope,
        filter=found.filter,
        counts=found.counts,
        page=found.page,
        pages=found.pages,
        cases=tuple(case_view(line) for line in found.cases),
        state_words=state_words(reader),
    )
