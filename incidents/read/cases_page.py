"""One page of the affected cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from incidents import case_totals, cases
from incidents.case_totals import CaseLine
from incidents.organisation import House
from incidents.read.nouns import case_label, state_words
from incidents.read.reader import Reader, reader_of
from incidents.runbooks import runbook
from incidents.views import AnswerView, CasesView, CaseView


def case_view(reader: Reader, line: CaseLine) -> CaseView:
    return CaseView(
        kind=line.kind,
        key=line.key,
        state=line.state,
        amount=line.amount.as_json() if line.amount else None,
        outcome=line.outcome,
        facts=line.facts,
        updated_at=line.updated_at,
        answers=tuple(_answers(reader, line)),
    )


def _answers(reader: Reader, line: CaseLine) -> Iterator[AnswerView]:
    """What forms that hold case by case say of it. What was typed stands in the log alone."""
    said = line.facts.get(case_totals.ANSWERS) or {}
    for run in reader.runs if said else ():
        for place in reader.places(run):
            form = runbook.by_case(place.plan)
            for field in form.fields if form is not None else ():
                value = said.get(field.fact or field.id)
                if value is not None and not field.personal:
                    chosen = next((one.label for one in field.options if one.id == value), None)
                    yield AnswerView(field.label, chosen, value)


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
        cases=tuple(case_view(reader, line) for line in found.cases),
        state_words=state_words(reader),
    )
