"""Rules of approval: when a press needs a second person's yes, and why (decision 6).

What cannot be judged asks: an unknown limit, an amount that cannot be read, another currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from incidents.change import Change
from incidents.shop_actions import spending
from incidents.shop_actions.spending import Moved
from plan.model import Action
from storage.models import ActionAttempt, Case
from storage.money import Money

DAY = 5  # a person's day, in single limits, where the configuration names none


@dataclass(frozen=True)
class Reason:
    """One rule that a press breaks: the sum that it came to, and the limit that it went over."""

    kind: str  # one, press, order, customer, incident, day, cases, always, currency, amount, limit
    amount: Money | None = None
    limit: Money | None = None
    count: int | None = None
    most: int | None = None
    name: str | None = None  # the order, or the limit that is not configured

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "amount": self.amount.as_json() if self.amount else None,
            "limit": self.limit.as_json() if self.limit else None,
            "count": self.count,
            "most": self.most,
            "name": self.name,
        }


def broken(
    change: Change, action: Action, attempts: Sequence[ActionAttempt], asked_at: datetime
) -> tuple[Reason, ...]:
    """Every rule that the press breaks; none: it needs no second person.

    `asked_at`: sums run over the day before, so that they stay the same while somebody decides.
    """
    found: list[Reason] = []
    if action.approval_always:
        found.append(Reason("always"))
    cases = sum(len(attempt.covers or ()) for attempt in attempts)
    changes = action.kind in ("mutate", "contact")
    if changes and not action.any_number and cases > change.house.bulk_cases:
        found.append(Reason("cases", count=cases, most=change.house.bulk_cases))
    if action.approval_above is not None:
        found += _of_money(change, action, action.approval_above, attempts, asked_at)
    return tuple(found)


def amount_breaks(change: Change, action: Action, amount: Money) -> bool:
    """Whether an amount that is only decided needs a second person: nothing is summed up."""
    limit = change.house.limits.get(action.approval_above or "")
    return (
        action.approval_always
        or limit is None
        or limit.currency != amount.currency
        or amount.minor > limit.minor
    )


def money_of(change: Change, attempts: Sequence[ActionAttempt]) -> list[Moved]:
    """The money of a press, with the orders and customers that it is about."""
    rows = change.session.scalars(select(Case).where(Case.incident_id == change.incident.id))
    return spending.moved(change.incident, attempts, {case.id: case for case in rows})


def _of_money(
    change: Change,
    action: Action,
    name: str,
    attempts: Sequence[ActionAttempt],
    asked_at: datetime,
) -> list[Reason]:
    limit = change.house.limits.get(name)
    money = money_of(change, attempts)
    if limit is None:
        return [Reason("limit", name=name)]
    if len(money) < len(attempts):
        return [Reason("amount", limit=limit)]
    foreign = [one.amount for one in money if one.amount.currency != limit.currency]
    if foreign:
        return [Reason("currency", amount=foreign[0], limit=limit)]
    found = _single(money, limit)
    if action.kind == "internal":  # what is only decided has moved nothing
        return found
    return found or _sums(change, name, limit, money, asked_at)


def _single(money: Sequence[Moved], limit: Money) -> list[Reason]:
    largest = max(one.amount.minor for one in money)
    if largest > limit.minor:
        return [Reason("one", Money(largest, limit.currency), limit)]
    total = sum(one.amount.minor for one in money)
    if total > limit.minor:
        return [Reason("press", Money(total, limit.currency), limit)]
    return []


def _sums(
    change: Change, name: str, limit: Money, money: Sequence[Moved], asked_at: datetime
) -> list[Reason]:
    """The press together with what moved within the day."""
    session, own = change.session, [one.attempt_id for one in money]
    keys = {key for one in money for key in one.keys}
    before = spending.before(session, limit.currency, keys, asked_at, limit=name, without=own)
    found: list[Reason] = []
    now = spending.of_press(money)
    for kind in ("order", "customer", "incident"):
        sums = [(now.sum_of(own) + before.sum_of(own), own) for own in _distinct(money, kind)]
        largest, which = max(sums, key=lambda one: one[0], default=(0, frozenset()))
        if largest > limit.minor:
            shown = max(which, key=len).partition(":")[2] if kind == "order" else None
            found.append(Reason(kind, Money(largest, limit.currency), limit, name=shown))
    return found + _day(change, name, limit, money, asked_at)


def _distinct(money: Sequence[Moved], kind: str) -> set[frozenset[str]]:
    return {one.of(kind) for one in money} - {frozenset()}


def _day(
    change: Change, name: str, limit: Money, money: Sequence[Moved], asked_at: datetime
) -> list[Reason]:
    """What the person who presses moved within the day, of everything or of this kind."""
    most = change.house.person_day or Money(DAY * limit.minor, limit.currency)
    if most.currency != limit.currency:
        return [Reason("currency", amount=money[0].amount, limit=most)]
    keys = {key for one in money for key in one.of("person")}
    before = spending.before(
        change.session,
        most.currency,
        keys,
        asked_at,
        limit=None if change.house.person_day else name,
        without=[one.attempt_id for one in money],
    )
    total = sum(one.amount.minor for one in money) + before.sum_of(keys)
    return [Reason("day", Money(total, most.currency), most)] if total > most.minor else []


def picture(
    change: Change,
    action: Action,
    attempts: Sequence[ActionAttempt],
    reasons: Sequence[Reason],
) -> dict[str, Any]:
    """What the approver is shown: every amount with its order, the sums, and which limit."""
    rows = change.session.execute(
        select(Case.id, Case.key, Case.kind).where(Case.incident_id == change.incident.id)
    ).all()
    keys = {row.id: row.key for row in rows}
    kinds = {row.kind for row in rows if row.id in _covered(attempts)}
    lines: list[dict[str, Any]] = []
    totals: dict[str, int] = {}
    for attempt in attempts:
        amount = spending.amount_of(attempt)
        covered = [keys[number] for number in map(int, attempt.covers or ()) if number in keys]
        named = covered or [str(one) for one in (attempt.params.get("order"),) if one]
        lines.append({"names": named, "amount": amount.as_json() if amount else None})
        if amount is not None:
            totals[amount.currency] = totals.get(amount.currency, 0) + amount.minor
    return {
        "action": action.id,
        "lines": lines,
        "cases": sum(len(attempt.covers or ()) for attempt in attempts),
        "noun": "order" if kinds == {"order"} else "case",
        "sums": [Money(minor, currency).as_json() for currency, minor in sorted(totals.items())],
        "reasons": [reason.as_json() for reason in reasons],
    }


def _covered(attempts: Sequence[ActionAttempt]) -> set[int]:
    return {int(number) for attempt in attempts for number in attempt.covers or ()}


def states(change: Change, attempts: Sequence[ActionAttempt]) -> list[Mapping[str, Any]]:
    """What the cases of the press are at this moment; together with the picture it is sealed."""
    covered = _covered(attempts)
    rows = change.session.scalars(
        select(Case).where(Case.incident_id == change.incident.id).order_by(Case.id)
    )
    return [
        {"case": case.key, "state": str(case.state), "outcome": case.outcome}
        for case in rows
        if case.id in covered
    ]
