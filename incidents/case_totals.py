"""Totals over the cases of an incident: what the words of the plan see as `cases`, `target`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents.shop_actions import told_orders as told
from plan import expressions
from plan.model import Action, Form
from storage.models import Case, CaseState, ToldOrder
from storage.money import Money
from storage.session_cache import known, version_of

ANSWERS = "answers"  # among a case's facts: what a form said that holds case by case
_TABLE = Case.__table__.c
_ANY = select(
    _TABLE.incident_id,
    _TABLE.id,
    _TABLE.kind,
    _TABLE.key,
    _TABLE.state,
    _TABLE.amount_minor,
    _TABLE.amount_currency,
    _TABLE.customer_key,
    _TABLE.outcome,
    _TABLE.facts,
    _TABLE.updated_at,
).order_by(_TABLE.id)
CASES = _ANY.where(_TABLE.incident_id == bindparam("incident"))
_SOME = _ANY.where(_TABLE.id.in_(bindparam("cases", expanding=True)))
_OF_MANY = _ANY.where(_TABLE.incident_id.in_(bindparam("incidents", expanding=True)))


@dataclass(frozen=True)
class CaseLine:
    """A case as it is read for counting, without an object of the session."""

    id: int
    kind: str
    key: str
    state: str
    amount: Money | None
    customer_key: str | None
    outcome: str | None
    facts: Mapping[str, Any]
    updated_at: datetime
    told: told.Told = field(default_factory=dict)  # in any incident, by kind of message

    @property
    def customer(self) -> str:
        """Whom a message about it goes to; without a customer it counts for itself."""
        return self.customer_key or f"{self.kind}:{self.key}"

    def scope(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "key": self.key,
            "state": self.state,
            "amount": self.amount.as_json() if self.amount else None,
            "outcome": self.outcome,
            "facts": dict(self.facts),
            "told": dict(self.told),
        }


def read_cases(session: Session, incident_id: int) -> tuple[CaseLine, ...]:
    """The cases of an incident as figures see them, read again only after a write of this unit."""
    session.flush()  # the table itself is asked, a thousand cases are no objects
    kept: dict[int, tuple[Any, tuple[CaseLine, ...]]] = known(session, "cases")
    version = version_of(session, Case.__tablename__, ToldOrder.__tablename__)
    if version is None or incident_id not in kept or kept[incident_id][0] != version:
        rows = session.connection().execute(CASES, {"incident": incident_id})
        kept[incident_id] = (version, _told(session, tuple(map(_line, rows)), (incident_id,)))
    return kept[incident_id][1]


def read_some(session: Session, case_ids: Collection[int]) -> tuple[CaseLine, ...]:
    """These cases, without reading the others."""
    session.flush()
    rows = session.connection().execute(_SOME, {"cases": sorted(case_ids)})
    return tuple(map(_line, rows))


def read_cases_of(
    session: Session, incident_ids: Sequence[int]
) -> Mapping[int, tuple[CaseLine, ...]]:
    """The cases of many incidents in one question; an incident without cases has none there."""
    session.flush()
    rows = session.connection().execute(_OF_MANY, {"incidents": list(incident_ids)})
    found: dict[int, list[CaseLine]] = {incident_id: [] for incident_id in incident_ids}
    for row in rows:
        found[row.incident_id].append(_line(row))
    everything = tuple(line for lines in found.values() for line in lines)
    known = told.of_incidents(session, incident_ids) if everything else {}
    return {
        incident_id: tuple(_with(line, known) for line in lines)
        for incident_id, lines in found.items()
    }


def _told(
    session: Session, lines: tuple[CaseLine, ...], incident_ids: Sequence[int]
) -> tuple[CaseLine, ...]:
    known = told.of_incidents(session, incident_ids) if lines else {}
    return tuple(_with(line, known) for line in lines) if known else lines


def _with(line: CaseLine, known: Mapping[str, told.Told]) -> CaseLine:
    mine = known.get(line.key) if line.kind == "order" else None
    return replace(line, told=mine) if mine else line


def _line(row: Any) -> CaseLine:
    return CaseLine(
        id=row.id,
        kind=row.kind,
        key=row.key,
        state=row.state,
        amount=_money(row.amount_minor, row.amount_currency),
        customer_key=row.customer_key,
        outcome=row.outcome,
        facts=row.facts,
        updated_at=row.updated_at,
    )


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def total(cases: Iterable[CaseLine]) -> dict[str, Any] | None:
    """The sum of the amounts; None where there is none, or where they are of two currencies."""
    amounts = [case.amount for case in cases if case.amount is not None]
    if not amounts or len({amount.currency for amount in amounts}) > 1:
        return None
    return Money(sum(amount.minor for amount in amounts), amounts[0].currency).as_json()


def customers(cases: Iterable[CaseLine]) -> int:
    return len({case.customer_key for case in cases if case.customer_key})


def unlisted_of(facts: Mapping[str, Any], found: Sequence[CaseFound]) -> dict[str, Any] | None:
    """What a finding counts beyond the cases that it lists by name; None: it lists them all."""
    count = facts.get("orders")
    if not found or not isinstance(count, int) or count <= len(found):
        return None
    people = facts.get("customers")
    known = len({case.customer_key for case in found if case.customer_key})
    return {
        "cases": count - len(found),
        "customers": max(0, people - known) if isinstance(people, int) else 0,
        "amount": _left(facts.get("amount"), [case.amount for case in found]),
    }


def _left(whole: Any, listed: Sequence[Money | None]) -> dict[str, Any] | None:
    """The part of the whole amount that is not of the listed ones; None: not known."""
    if not isinstance(whole, Mapping):
        return None
    money = Money(int(whole["minor"]), str(whole["currency"]))
    amounts = [one for one in listed if one is not None]
    if any(one.currency != money.currency for one in amounts):
        return None
    return Money(money.minor - sum(one.minor for one in amounts), money.currency).as_json()


def case_figures(
    cases: Sequence[CaseLine], unlisted: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What the plan's texts see as `cases`: counts by state, outcome and true fact, and sums.

    Wholes: what the check counted beyond those it lists by name (`unlisted`) is in them.
    """
    figures = _listed(cases)
    if not unlisted:
        return figures
    for name, more in (
        ("total", unlisted["cases"]),
        (str(CaseState.OPEN), unlisted["cases"]),
        ("customers", unlisted["customers"]),
    ):
        figures[name] += more
    figures["amount"] = _added(figures["amount"], unlisted["amount"])
    figures["open_amount"] = _added(
        figures["open_amount"] or _nothing(figures["amount"]), unlisted["amount"]
    )
    return figures


def _added(listed: Mapping[str, Any] | None, more: Any) -> dict[str, Any] | None:
    """The whole sum; None where a part of it is not known or of another currency."""
    if listed is None or not isinstance(more, Mapping) or listed["currency"] != more["currency"]:
        return None
    return {**listed, "minor": listed["minor"] + more["minor"]}


def _nothing(like: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {**like, "minor": 0} if like is not None else None


def _listed(cases: Sequence[CaseLine]) -> dict[str, Any]:
    named: Counter[str] = Counter()
    for case in cases:
        # An amount is a figure and no mark: “refunded: NT$0” is an order that was not refunded.
        marks = {n for n, value in case.facts.items() if value and not isinstance(value, Mapping)}
        if case.outcome:
            marks.add(case.outcome)
        named.update(marks)
    states = Counter(case.state for case in cases)
    outcomes = Counter(case.outcome for case in cases if case.outcome)
    unsettled = [case for case in cases if case.state != CaseState.SETTLED]
    return {
        **named,
        "total": len(cases),
        **{str(state): states.get(state, 0) for state in CaseState},
        "customers": customers(cases),
        "amount": total(cases),
        "open_amount": total(unsettled) if unsettled else None,
        "by_outcome": dict(outcomes),
        "answers": _answers(cases),
        "open_answers": _answers([one for one in cases if one.state == CaseState.OPEN]),
    }


def _answers(cases: Sequence[CaseLine]) -> dict[str, dict[str, int]]:
    """How many cases have which answer of a form that holds case by case: field, answer, count."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        for name, value in (case.facts.get(ANSWERS) or {}).items():
            if isinstance(value, str):
                found.setdefault(name, Counter())[value] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items())}


def asked_about(
    form: Form, cases: Iterable[CaseLine], scope: Mapping[str, Any]
) -> tuple[CaseLine, ...]:
    """The cases of which a form that holds case by case asks: those without an answer."""
    if form.cases is None:
        return ()
    return tuple(
        case for case in cases if expressions.holds(form.cases, {**scope, "case": case.scope()})
    )


def reached(
    action: Action, cases: Iterable[CaseLine], scope: Mapping[str, Any]
) -> tuple[CaseLine, ...]:
    """The cases that pressing the action now would reach: none that was told this already."""
    return tuple(case for case in meant(action, cases, scope) if not already(action, case, scope))


def meant(
    action: Action, cases: Iterable[CaseLine], scope: Mapping[str, Any]
) -> tuple[CaseLine, ...]:
    """The cases that the action is for, whether they were told already or not."""
    if action.cases is None:
        return ()
    return tuple(
        case for case in cases if expressions.holds(action.cases, {**scope, "case": case.scope()})
    )


def already(action: Action, case: CaseLine, scope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """When and in which incident the case was told what the action tells; None: never."""
    if not case.told:
        return None
    kind = told.kind_of(action, {**scope, "case": case.scope()})
    return case.told.get(kind) if kind else None


def target(cases: Sequence[CaseLine]) -> dict[str, Any]:
    """What a button's label and confirmation see as `target`."""
    return {"cases": len(cases), "customers": customers(cases), "amount": total(cases)}
