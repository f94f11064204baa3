"""Answers of cases: a form that holds case by case keeps what was entered with the chosen ones.

One form, but never one answer for all: where several cases are asked about, the person says for
which of them it holds, and the step waits for the others (plan 3.2: cause and amount of an order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from incidents import case_totals
from incidents import facts as facts_of
from incidents.case_totals import CaseLine
from incidents.change import Change
from incidents.outcome import Outcome
from incidents.runbooks.forms import Checked
from plan.model import Form
from storage.models import Case

CHOSEN = "cases"  # in what was sent: the ids of the chosen cases
FIELD = "cases.0"  # the first group of them in the form, where a refusal is shown


def chosen(
    form: Form, cases: Sequence[CaseLine], seen: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[CaseLine, ...] | Outcome:
    """The cases for which the form holds. One alone need not be chosen; one that was answered or
    settled meanwhile is left out."""
    asked = case_totals.asked_about(form, cases, seen)
    if not asked:
        return Outcome.refused("nothing_to_do")
    if CHOSEN not in values and len(asked) == 1:
        return asked
    wanted = {str(one) for one in values.get(CHOSEN) or ()}
    if not wanted:
        return Outcome.refused("choose_cases", field_id=FIELD)
    found = tuple(case for case in asked if str(case.id) in wanted)
    return found or Outcome.refused("nothing_to_do")


def keep(change: Change, cases: Sequence[CaseLine], checked: Checked) -> None:
    """The answers stand among each case's facts; what is personal stands in the log line alone."""
    plain = {
        field.fact or field.id: checked.values[field.id]
        for field in checked.form.fields
        if field.id in checked.values and not field.personal
    }
    ids = [case.id for case in cases]
    for case in change.session.scalars(select(Case).where(Case.id.in_(ids))):
        answers = facts_of.merged(case.facts.get(case_totals.ANSWERS) or {}, plain)
        case.facts = {**case.facts, case_totals.ANSWERS: answers}
        case.updated_at = change.now
